"""What somebody should know of tables that were declared anew: what is new, what is JSON text, what was not done."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lake.schema import KEY, Field, Table
from lake.table_settings import TableSettings
from lake.tables.inferred.build import Resource, partition_of
from lake.tables.inferred.known import fields_of
from lake.tables.inferred.places import is_unseen, is_within, place_at, row_of
from lake.tables.inferred.said import split
from lake.tables.inferred.shape import MEMBERS, Shape
from lake.text import shown


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One thing about the tables of a resource, at a path in its documents.

    `kind` is new-column, new-table, widened, retyped, key, dropped, json, bounded, omitted or unused-setting.
    """

    resource: str
    kind: str
    path: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """What is no column: the number of those beyond the bound of each table, by its list; JSON text that would show
    what is omitted; and what objects have beside their known members, because they have too many.
    """

    beyond: Mapping[str, int]
    hidden: Collection[str]
    closed: Collection[str]


def unknown_resources(
    settings: Mapping[str, TableSettings], shapes: Collection[str], others: Sequence[Table]
) -> list[Note]:
    """Return a note for each table in settings whose resource has no documents."""
    known = {*shapes, *(name for table in others for name in table.resources)}
    places = [(name, *split(name)) for name in settings]
    return [
        Note(
            resource, "unused-setting", rows, _unused(f"tables.{name}", f"no resource {shown(resource)} has documents")
        )
        for name, resource, rows in places
        if resource not in known
    ]


def notes_of(resource: Resource, unfit: Unfit, shape: Shape, tables: Sequence[Table]) -> list[Note]:
    """Return the notes about the tables that a resource was given."""
    notes = _Notes(resource, unfit, shape, {table.rows: table for table in tables})
    found = (notes.news(), notes.changes(), notes.unfit_parts(), notes.unused())
    return [Note(resource.name, kind, path, sentence) for part in found for kind, path, sentence in part]


_Found = Iterator[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class _Notes:
    resource: Resource
    unfit: Unfit
    shape: Shape
    tables: Mapping[str, Table]

    def news(self) -> _Found:
        """Say which tables and columns are new since the snapshot before, and which begin as JSON text."""
        before = self.resource.known.tables
        for rows, table in self.tables.items():
            if before and rows not in before:
                yield "new-table", rows, f"{table.name}: new table, {shown(table.grain)}"
        for path, field in self._fields().items():
            column = self.resource.columns.get(path)
            if column is None or not self.resource.is_new(path):
                continue
            type_ = f"{_type(field)}{column.why and ' because '}{column.why}"
            place = f"{self._place(path, field)}, from {shown(path) or 'the document'}"
            if row_of(path) in before:
                yield "new-column", path, f"{place}: new column, {type_}"
            elif column.why:
                yield column.kind, path, f"{place}: {type_}"

    def changes(self) -> _Found:
        """Say which columns have another type, which are gone, and whether the key is another."""
        known, fields = self.resource.known, self._fields()
        for path in known.widened:
            yield "widened", path, f"{self._place(path, fields[path])}: int64 before, double from here on"
        for path in known.retyped:
            if path in fields:
                said = f"{_type(known.fields[path])} before, {_type(fields[path])} from here on, by a setting"
                yield "retyped", path, f"{self._place(path, fields[path])}: {said}"
        for path, why in known.dropped.items():
            yield "dropped", path, f"{shown(path) or 'the document'}: no column or table from here on, because {why}"
        key, owner = self.tables[""].fields[0], known.tables.get("")
        before = owner.field(owner.primary_key[0]) if owner else key
        if (before.path, before.type) != (key.path, key.type):
            said = f"the key is {key.name} of type {key.type}, before it was {before.name} of type {before.type}"
            yield "key", self.resource.key_path, f"{self.tables[''].name}: {said}"

    def unfit_parts(self) -> _Found:
        """Say what is in the documents alone, because a table has no room for it, or nobody may see it."""
        for rows, count in self.unfit.beyond.items():
            said = f"it has as many columns as a table may have; {count:,} more stay in the documents"
            yield "bounded", rows, f"{self.tables[rows].name}: {said}"
        for path in self.unfit.hidden:
            said = "stays in the documents, because as JSON text it would show what a setting omits"
            yield "omitted", path, f"{shown(path) or 'the document'} {said}"
        for path in self.unfit.closed:
            said = f"new members stay in the documents, because there are more than {MEMBERS:,}"
            yield "bounded", path, f"{shown(path) or 'the document'}: {said}"

    def unused(self) -> _Found:
        """Say which settings have no effect, and why."""
        said, known = self.resource.said, self.resource.known
        for path, why in said.refused.items():
            yield self._unused(path, why)
        if known.refusal:
            yield self._unused(said.key, known.refusal, "key")
        for path in said.omitted:
            if not (place_at(self.shape, path) or is_unseen(self.shape, path) or self._was_there(path)):
                yield self._unused(path, "nothing was found there", "omit")
        for path, column in said.columns.items():
            if path == self.resource.id_path and KEY in (known.key[0], *self.resource.columns):
                if column.type:
                    yield self._unused(path, "the type of the id follows from the listing")
            elif path not in (known.key[0], *self.resource.columns):
                yield self._unused(path, "there is no column of this path")
            elif not (place_at(self.shape, path) or is_unseen(self.shape, path) or path in known.fields):
                yield (
                    "unused-setting",
                    path,
                    f"{self._place(path, self._fields()[path])}: nothing is at {shown(path)}, so it is null",
                )
        for path, field in self._fields().items():
            if (name := self.resource.said_of(path).name) not in ("", field.name):
                yield self._unused(path, f"the name {name} is taken, it is called {field.name}")
        fields = {rows: table.fields for rows, table in self.tables.items()}
        for rows, table in said.tables.items():
            if rows in self.tables and table.name not in ("", self.tables[rows].name):
                why = f"the name {table.name} is taken, it is called {self.tables[rows].name}"
                yield self._unused_of(rows, why, "name")
            if rows not in self.tables:
                if (table.name or table.grain) and not said.omits(rows):
                    yield self._unused_of(rows, "there is no list of this path that is a table")
            elif table.partition and not partition_of(self.resource, rows, fields[rows]):
                why = "expected the path of a column of whole numbers, texts, times or dates"
                yield self._unused(table.partition, why, "partition")
            if rows and table.key:
                yield self._unused(table.key, "only a table of documents has a key of its own", "key")

    def _was_there(self, path: str) -> bool:
        known = self.resource.known
        return any(is_within(other, path) for other in (*known.fields, *known.dropped) if not other.startswith("@"))

    def _unused(self, path: str, why: str, setting: str = "columns") -> tuple[str, str, str]:
        return "unused-setting", path, _unused(f"{setting} of tables.{self.resource.name}, {shown(path)!r},", why)

    def _unused_of(self, rows: str, why: str, setting: str = "") -> tuple[str, str, str]:
        table = f"tables.{self.resource.name}{rows and '.'}{shown(rows)}"
        return "unused-setting", rows, _unused(f"{setting} of {table}" if setting else table, why)

    def _fields(self) -> dict[str, Field]:
        return fields_of(list(self.tables.values()))

    def _place(self, path: str, field: Field) -> str:
        return f"{self.tables[row_of(path)].name}.{field.name}"


def _unused(setting: str, why: str) -> str:
    return f"the setting {setting} has no effect: {why}"


def _type(field: Field) -> str:
    return "JSON text" if field.is_json else str(field.type)
