"""Short forms of what many declarations have in common."""

from dataclasses import dataclass

import pyarrow as pa

from lake.schema import ORDINAL, Field, Table

ORDINAL_FIELD = Field("ordinal", pa.int32(), "Place in the document's list, from 1.", ORDINAL)
LANGUAGE = "PokeAPI's id of the language; 9 is English."
NAME_FIELD = Field("name", pa.string(), "PokeAPI's slug; upstream renames it at times.", "name")


def reference(name: str, description: str, path: str, resource: str, nullable: bool = False) -> Field:
    """Declare the id of another resource's document, which the URL at `path` ends in."""
    return Field(name, pa.int32(), description, path, references=resource, nullable=nullable)


def child(
    resource: str, owner: tuple[Field, ...], name: str, grain: str, rows: str, *fields: Field, key: str = "ordinal"
) -> Table:
    """Declare a table of list elements inside a resource's documents; `owner` says whose they are, its key first."""
    ordinal = (ORDINAL_FIELD,) if key == "ordinal" else ()
    return Table(
        name=name,
        grain=grain,
        resources=(resource,),
        rows=rows,
        primary_key=(owner[0].name, key),
        fields=(*owner, *ordinal, *fields),
    )


@dataclass(frozen=True, slots=True)
class Mirror:
    """A list of links back: what `path` of `resource` names is what `column` of `table` says of this document.

    Such a list is in no table and is lost without loss: the documents that it names are those whose rows in
    `table` have this document's id in `column`. Several lists that say the same of one column do so together.
    `listed` is the column with the ids of the documents that are named; the first one of the key if it is empty.
    """

    resource: str
    path: str
    table: str
    column: str
    listed: str = ""
