"""Rows that modified documents lost with a list or an object that is null, missing or of another type in them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake import tables
from lake.decode import decode
from lake.publish import Finding, Level, some
from lake.publish.check import SHOWN_ROWS
from lake.schema import Table
from lake.tables import Catalog
from lake.tables.wrap import WRAPPED
from lake.text import QUOTED, counted, shown


class Lost(msgspec.Struct, frozen=True):
    """The rows that a table lost in modified documents: how many, in how many of them, the first of those, and where.

    `documents` names a few paths, and one more than a finding shows if there are more.
    """

    table: str
    rows: int
    count: int
    documents: tuple[str, ...]
    places: tuple[str, ...]


class LostRows:
    """Counts what one resource's documents lost, a batch of modified documents at a time."""

    def __init__(self, catalog: Catalog, resource: str) -> None:
        self._catalog = catalog
        self._resource = resource
        self._rows = Counter[str]()
        self._documents: dict[str, list[str]] = defaultdict(list)
        self._places: dict[str, set[str]] = defaultdict(set)

    def add(self, before: pa.Table, after: pa.Table) -> None:
        """Compare documents as they were with the same documents as they came."""
        old, new = self._counts(before), self._counts(after)
        fewer: dict[int, list[tuple[Table, int]]] = defaultdict(list)
        for name, (table, counts) in old.items():
            for id_, rows in counts.items():
                lost = rows - new[name][1].get(id_, 0)
                if lost > 0:
                    fewer[id_].append((table, lost))
        for id_, losses in fewer.items():
            document = after.filter(pc.equal(after["id"], id_))
            places = self._lost_places(before.filter(pc.equal(before["id"], id_))["body"][0], document["body"][0])
            for table, lost in losses:
                if of_table := {place for place in places if _may_hold(table, place)}:
                    self._rows[table.name] += lost
                    self._documents[table.name].append(document["path"][0].as_py())
                    self._places[table.name] |= of_table

    def found(self) -> tuple[Lost, ...]:
        """Return what each table lost."""
        return tuple(
            Lost(
                name,
                rows,
                len(self._documents[name]),
                tuple(self._documents[name][: SHOWN_ROWS + 1]),
                tuple(sorted(self._places[name])),
            )
            for name, rows in sorted(self._rows.items())
        )

    def _counts(self, rows: pa.Table) -> dict[str, tuple[Table, dict[int, int]]]:
        """Return how many rows each document gives each table."""
        return {
            built.table.name: (
                built.table,
                {item["values"]: item["counts"] for item in pc.value_counts(_document_ids(built)).to_pylist()},
            )
            for built in tables.build(self._catalog, self._resource, rows, {})
        }

    def _lost_places(self, before: pa.StringScalar, after: pa.StringScalar) -> list[str]:
        """Return the paths at which a list or an object that held something is none any longer."""
        root = (WRAPPED[self._resource],) if self._resource in WRAPPED else ()
        try:
            old, new = _Places(decode(before.as_buffer()), root), _Places(decode(after.as_buffer()), root)
        except ValueError:
            return []
        lost = (place for place, times in old.filled.items() if times and new.others(*place) > old.others(*place))
        return [".".join(path).replace(".[]", "[]") for path, _ in lost]


def lost_findings(resource: str, found: Iterable[Lost]) -> Iterator[Finding]:
    """Yield one finding for each table that lost rows, from what was found in parts of a resource's documents."""
    by_table: dict[str, list[Lost]] = defaultdict(list)
    for lost in found:
        by_table[lost.table].append(lost)
    for name, parts in sorted(by_table.items()):
        paths = [path for part in parts for path in part.documents]
        places = sorted({place for part in parts for place in part.places})
        where = ", ".join(shown(place) for place in places[:SHOWN_ROWS])
        rows, count = (sum(getattr(part, what) for part in parts) for what in ("rows", "count"))
        yield Finding(
            Level.WARN,
            "lost-rows",
            name,
            f"{counted(rows, 'row')} lost in {counted(count, 'document')} of {resource}, where {where}"
            f" held something and is null, missing or of another type: {some(paths, QUOTED)}",
        )


_Path = tuple[str, ...]


class _Places:
    """How often each path of a document leads to a list or an object, and how often it might."""

    def __init__(self, document: Any, root: _Path) -> None:
        # By path, and whether it leads to a list.
        self.filled = Counter[tuple[_Path, bool]]()
        self._containers = Counter[tuple[_Path, bool]]()
        self._objects = Counter[_Path]()
        pending: list[tuple[_Path, Any]] = [(root, document)]
        while pending:
            path, value = pending.pop()
            # A reference holds no rows; where there is none, its null is no loss of rows either.
            if not isinstance(value, dict | list) or (isinstance(value, dict) and "url" in value):
                continue
            place = path, isinstance(value, list)
            self._containers[place] += 1
            self.filled[place] += bool(value)
            if isinstance(value, list):
                pending.extend(((*path, "[]"), inner) for inner in value)
            else:
                self._objects[path] += 1
                pending.extend(((*path, name), inner) for name, inner in value.items())

    def others(self, path: _Path, is_list: bool) -> int:
        """Return how many objects have something else than a list, or than an object, for a member, or lack it."""
        return self._objects[path[:-1]] - self._containers[path, is_list] if path and path[-1] != "[]" else 0


def _document_ids(built: tables.Built) -> pa.Array:
    """Return the id of each row's document."""
    return built.rows[built.table.document_column(built.rows.column_names)].combine_chunks()


def _may_hold(table: Table, place: str) -> bool:
    """Tell whether a table's rows may come from below a path; the generic table's come from everywhere."""
    paths = {path for field in table.fields for path in field.paths if path and not path.startswith("@")}
    members = {path.replace("[]", "").split(".")[0] for path in {table.rows, *paths} if path}
    return not members or place.replace("[]", "").split(".")[0] in members
