"""Short forms for declaring tables: the fields, tables and lists that many of PokeAPI's resources have alike."""

from dataclasses import dataclass

import pyarrow as pa

from lake.schema import GENERATION, ORDINAL, UNKNOWN_GENERATION, Field, Table

NAME_FIELD = Field("name", pa.string(), "PokeAPI's slug; upstream renames it at times.", "name")
ORDINAL_FIELD = Field("ordinal", pa.int32(), "Place in the document's list, from 1.", ORDINAL)
UNKNOWN = ((UNKNOWN_GENERATION, "unknown"),)
GENERATION_FIELD = Field(
    GENERATION,
    pa.int16(),
    "The generation that introduced it. 0: unknown.",
    "generation.url",
    references="generation",
    stand_ins=UNKNOWN,
)
LANGUAGE = "PokeAPI's id of the language; 9 is English."


def own_id(thing: str, meaning: str = "") -> Field:
    """Declare the id of the resource's own documents; `meaning` says what has the id if `thing` does not.

    >>> own_id("item").name, own_id("item").description
    ('item_id', "PokeAPI's id of the item.")
    >>> own_id("pokemon", "variety").description
    "PokeAPI's id of the variety."
    """
    return Field(f"{thing}_id", pa.int32(), f"PokeAPI's id of the {meaning or thing.replace('_', ' ')}.", "id")


def reference(name: str, description: str, path: str, resource: str, nullable: bool = False) -> Field:
    """Declare the id of a document of another resource; the id is the end of the URL at `path`."""
    return Field(name, pa.int32(), description, path, references=resource, nullable=nullable)


def term(resource: str, name: str, thing: str, *fields: Field, key: str = "", grain: str = "") -> Table:
    """Declare the table of a resource whose documents have an id, a slug, and little more.

    `key` is the primary key without ``_id``, by default the resource. `grain` is by default "one row per `thing`".

    >>> [field.name for field in term("item-pocket", "item_pockets", "pocket").fields]
    ['item_pocket_id', 'name']
    """
    id_field = own_id(key or resource.replace("-", "_"), thing)
    return Table(
        name=name,
        grain=grain or f"one row per {thing}",
        resources=(resource,),
        primary_key=(id_field.name,),
        fields=(id_field, NAME_FIELD, *fields),
    )


def child(
    resource: str, owner: tuple[Field, ...], name: str, grain: str, rows: str, *fields: Field, key: str = "ordinal"
) -> Table:
    """Declare the table of a list inside a resource's documents: one row per element.

    `owner` holds the fields that say whose element it is, the document's id first; `rows` is the path of the list.
    """
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
    """A list of links back, which has no table of its own because another table says the same.

    The document of the type electric, 13, lists Pikachu, 25, and all other electric Pokémon in ``pokemon[]``.
    The table ``pokemon_types`` says the same: its rows with the ``type_id`` 13 have the ``pokemon_id`` 25, and so on.

    >>> mirror = Mirror("type", "pokemon[]", table="pokemon_types", column="type_id", listed="pokemon_id")

    `listed` may be omitted if it is the first column of the table's primary key, as it is here.

    Several lists of one resource may share a column. A stat's document lists the moves that raise it and those that
    lower it, ``move_stat_changes`` has both, and so the two lists together mirror its ``stat_id``.
    """

    resource: str
    path: str
    table: str
    column: str
    listed: str = ""
