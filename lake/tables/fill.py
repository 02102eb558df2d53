"""Rows of the tables that have a function of their own, which turns one document into rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import pyarrow as pa

from lake.decode import decode
from lake.schema import DOCUMENT_ID, GENERATION, Row, Table, conform
from lake.tables.extract import column_of, sort
from lake.tables.members import is_of
from lake.tables.parse import Drift
from lake.tables.paths import steps

# A message names this much of an error.
_SHOWN_CHARACTERS = 200


def fill(
    tables: Sequence[Table],
    bodies: pa.StringArray,
    documents: pa.StructArray,
    generations: Mapping[int, int],
    bases: frozenset[str] | None = None,
    ids: pa.Array | None = None,
) -> list[tuple[pa.Table, list[Drift]]]:
    """Return each table's rows and drift; the table's own function makes rows of each document in `bodies`.

    The rows are sorted by the table's primary key. `documents` are the same documents, parsed. If a function cannot
    read a document, the table has no rows of it and the document is reported. `ids` are those that the
    documents are stored by, if they do not state them; the rows have them then as a last column, DOCUMENT_ID.
    """
    if not tables:
        return []
    members = _members(tables, int if ids is None else Any)
    filled = [_Filled(table, _added(table, documents, generations, bases), ids) for table in tables]
    decoder = msgspec.json.Decoder(members)
    for place, body in enumerate(bodies):
        try:
            document = msgspec.structs.asdict(decoder.decode(body.as_buffer()))
        except (msgspec.DecodeError, RecursionError):
            try:
                found = decode(body.as_buffer())
            except ValueError as error:
                # Arrow reads more than JSON allows, and more than can be read here.
                for one in filled:
                    one.refuse(one.id_of(place, documents[place].as_py()), error)
                continue
            document = {name: found.get(name) for name in members.__struct_fields__}
        if bases is not None:
            filled[0].drifts += _forget_strangers(document, bases)
        for one in filled:
            one.add(place, document)
    return [(sort(one.found(), one.table), one.drifts) for one in filled]


def _stated_once(table: Table, rows: list[Row]) -> list[Row]:
    """Return rows without those that say what an earlier one has said."""
    if not table.once:
        return rows
    first = {tuple(row[name] for name in table.once): row for row in reversed(rows)}
    return [row for row in rows if first[tuple(row[name] for name in table.once)] is row]


class _Filled:
    """The rows that one table's own function has made so far, and the drift that it has reported."""

    def __init__(self, table: Table, added: Sequence[Row] | None, ids: pa.Array | None) -> None:
        self.table = table
        self._ids = ids
        self.rows: list[Row] = []
        self.drifts: list[Drift] = []
        self._added = added

    def add(self, place: int, document: dict[str, Any]) -> None:
        """Add the rows of one document; `place` is its index in the batch."""
        assert self.table.fill is not None
        added = self._added[place] if self._added else {}
        if self._ids is not None:
            added = {**added, DOCUMENT_ID: self.id_of(place, document)}
        try:
            # All rows of a document or none: the function may fail when it has made some.
            self.rows += [row | added for row in list(self.table.fill(document, partial(_note, self.drifts)))]
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            self.refuse(self.id_of(place, document), error)

    def id_of(self, place: int, document: dict[str, Any]) -> Any:
        """Return the id that a document is stored by; it states it itself if no ids were given."""
        return document["id"] if self._ids is None else self._ids[place].as_py()

    def refuse(self, id_: Any, error: Exception) -> None:
        """Report a document that the function could not read."""
        found = f"{self.table.name} of {id_}: {error!r}"
        self.drifts.append(Drift(self.table.rows, "the declared shape", found[:_SHOWN_CHARACTERS], id_))

    def found(self) -> pa.Table:
        """Return the rows; with the column DOCUMENT_ID if ids were given."""
        rows = _stated_once(self.table, self.rows)
        if self._ids is None:
            return conform(self.table, rows)
        of = pa.array([row.pop(DOCUMENT_ID) for row in rows], pa.int64())
        return conform(self.table, rows).append_column(DOCUMENT_ID, of)


def _added(
    table: Table, documents: pa.StructArray, generations: Mapping[int, int], bases: frozenset[str] | None
) -> list[Row] | None:
    """Return the generation of each document, which the rows of the table's function lack; None if not partitioned.

    The table of the documents themselves reports what does not fit.
    """
    if not table.partition:
        return None
    values = column_of(table.field(GENERATION), documents, generations, bases)
    return [{GENERATION: value} for value in values.to_pylist()]


def _members(tables: Iterable[Table], id_type: Any) -> type[msgspec.Struct]:
    """Return a type that decodes a document's id, and only those members that the fields' paths start with."""
    fields = [field for table in tables for field in table.fields if field.name != GENERATION]
    paths = {path for field in fields for path in field.paths if not path.startswith("@")}
    names = {steps(path)[0][0] for path in paths}
    return msgspec.defstruct("Members", [("id", id_type), *((name, Any, None) for name in sorted(names - {"id"}))])


def _note(drifts: list[Drift], path: str, expected: str, found: Any) -> None:
    drifts.append(Drift(path, expected, f"{type(found).__name__} {str(found)[:60]!r}"))


def _forget_strangers(document: dict[str, Any], bases: frozenset[str]) -> Iterator[Drift]:
    """Replace the URLs of references to other sources by null, and yield each."""
    pending: list[tuple[str, Any]] = [("", document)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            url = value.get("url")
            if isinstance(url, str) and not is_of(url, bases):
                value["url"] = None
                yield Drift(f"{path}.url", "a URL of this source", repr(url[:80]))
            pending.extend((f"{path}.{name}" if path else name, inner) for name, inner in value.items())
        elif isinstance(value, list):
            pending.extend((f"{path}[]", inner) for inner in value)
