"""Makes declared tables of the columns of one resource: their names, keys, descriptions and order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa

from lake.schema import BODY, KEY, ORDINAL, Field, Table
from lake.table_settings import ColumnSettings, TableSettings
from lake.tables.inferred.known import Known
from lake.tables.inferred.names import LENGTH, all_named, column_name, free_name, granted
from lake.tables.inferred.places import above, below, relative, row_of
from lake.tables.inferred.plan import Column
from lake.tables.inferred.said import Said
from lake.text import shown

_NULL = "Null: absent or null in the document."


@dataclass(frozen=True, slots=True)
class Resource:
    """All that the tables of one resource are made of; `id_path` is where a document has its id."""

    name: str
    id_path: str
    said: Said
    known: Known
    columns: Mapping[str, Column]
    rows: Collection[str]

    @property
    def key_path(self) -> str:
        """The path in a document of what is the key."""
        path = self.known.key[0]
        return self.id_path if path == KEY else path

    def said_of(self, path: str) -> ColumnSettings:
        """Return what settings say of a column."""
        return self.said.columns.get(self.id_path if path == KEY else path, ColumnSettings())

    def own(self, rows: str) -> list[str]:
        """Return the paths of the columns of a table, without its keys."""
        return sorted(path for path in self.columns if row_of(path) == rows)

    def is_new(self, path: str) -> bool:
        """Tell whether the snapshot before had no such column."""
        return path not in self.known.fields


def tables_of(resource: Resource, names: Mapping[str, str]) -> list[Table]:
    """Return the tables of a resource by the paths of their lists; `names` are theirs, by the same."""
    key = _key(resource)
    return [_table(resource, rows, names[rows], _owners(resource, rows, names[""], key)) for rows in sorted(names)]


def _key(resource: Resource) -> Field:
    """Return the key of the table of documents."""
    path, type_ = resource.known.key
    said, before = resource.said_of(path), resource.known.fields.get(path)
    name = said.name or (before.name if before else column_name(resource.key_path))
    meaning = f"The id of the {shown(resource.name)}." if path == KEY else f"The document's {shown(path)}, its key."
    description = said.description or (before.description if before and not before.nullable else meaning)
    return Field(name, type_, description, path, said.unit or (before.unit if before else ""))


def _owners(resource: Resource, rows: str, main: str, key: Field) -> tuple[Field, ...]:
    """Return the fields that a table of a list makes itself: the document's key, and running numbers."""
    if not rows:
        return (key,)
    before = resource.known.tables.get(rows)
    owner = before.field(before.primary_key[0]) if before else None
    name = owner.name if owner and owner.path == key.path else f"{main}_{key.name}"[:LENGTH].rstrip("_")
    fields = [
        Field(name, key.type, f"The {shown(resource.name)} that has the element: its {key.name}.", key.path, key.unit),
        Field("ordinal", pa.int32(), "Running number of the element in the document, from 1.", ORDINAL),
    ]
    for outer in (path for path in above(rows) if path.endswith("[]")):
        wanted = f"{column_name(outer)[: LENGTH - len('_ordinal')]}_ordinal"
        said = f"Running number in the document of the element of {shown(outer)} that has this one, from 1."
        numbered = free_name(wanted, {field.name for field in fields})
        fields.append(Field(numbered, pa.int32(), said, f"{ORDINAL} {outer}"))
    return tuple(fields)


def _table(resource: Resource, rows: str, name: str, owners: tuple[Field, ...]) -> Table:
    said, before = resource.said.tables.get(rows, TableSettings()), resource.known.tables.get(rows)
    names = _column_names(resource, rows, {field.name for field in owners})
    fields = (*owners, *(_field(resource, rows, path, name) for path, name in sorted(names.items())))
    if rows:
        grain = f"one row per element of {shown(rows.removesuffix('[]'))} in a document of {resource.name}"
    else:
        grain = f"one row per {resource.name}"
    keys = tuple(field.name for field in owners[: 2 if rows else 1])
    partition = partition_of(resource, rows, fields) if said.partition else None
    return Table(
        name=name,
        grain=said.grain or (before.grain if before else grain),
        resources=(resource.name,),
        primary_key=keys,
        fields=fields,
        rows=rows,
        is_inferred=True,
        partition_by=partition.name if partition else "",
    )


def partition_of(resource: Resource, rows: str, fields: Collection[Field]) -> Field | None:
    """Return the column that settings have a table partitioned by; None if it has none of this path."""
    said = resource.said.tables.get(rows, TableSettings())
    path = below(rows, said.partition)
    if path == resource.key_path:
        path = resource.known.key[0]
    return next((field for field in fields if path in field.paths and _parts(field)), None)


def _parts(field: Field) -> bool:
    """Tell whether a table can be partitioned by a column: whole numbers, texts, times and dates have few values."""
    is_whole_or_text = pa.types.is_integer(field.type) or pa.types.is_string(field.type)
    return not field.is_json and (is_whole_or_text or pa.types.is_temporal(field.type))


def _column_names(resource: Resource, rows: str, taken: Collection[str]) -> dict[str, str]:
    """Return the names of a table's columns by their paths: those of settings first, then those of before."""
    own = resource.own(rows)
    said = {path: name for path in own if (name := resource.said_of(path).name)}
    before = {path: resource.known.fields[path].name for path in own if not resource.is_new(path)}
    names = granted(said, before, taken)
    new = {path: _wanted(path, rows) for path in own}
    # A member that is called like its column keeps the name, whatever becomes of others.
    exact = {path: name for path, name in new.items() if name == relative(path, rows)}
    for wanted in (before, exact, new):
        left = {path: wanted[path] for path in wanted.keys() - names.keys()}
        names |= all_named(left, {*taken, *names.values()})
    return names


def _wanted(path: str, rows: str) -> str:
    if path == rows:
        return "value" if rows else "document"
    return column_name(relative(path, rows))


def _field(resource: Resource, rows: str, path: str, name: str) -> Field:
    column, before = resource.columns[path], resource.known.fields.get(path)
    said = resource.said_of(path)
    kept = before if before and before.is_json == column.is_json and before.nullable else None
    description = kept.description if kept else _description(path, rows, column)
    if said.description:
        description = said.description if "Null: " in said.description else f"{said.description} {_NULL}"
    unit = said.unit or (kept.unit if kept else "")
    return Field(name, column.type, description, path or BODY, unit, nullable=True, is_json=column.is_json)


def _description(path: str, rows: str, column: Column) -> str:
    if path == KEY:
        return f"The document's id in the listing. {_NULL}"
    whole = "The element" if rows else "The document"
    place = whole if path == rows else f"{whole}'s {shown(relative(path, rows))}"
    why = f", as JSON text because {column.why}" if column.why else ", as JSON text" if column.is_json else ""
    return f"{place}{why}. {_NULL}"
