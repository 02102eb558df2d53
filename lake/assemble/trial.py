"""The tables that a source which was tried would land, from the documents that came."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lake.assemble.infer import id_key
from lake.crawl.trial import Trial
from lake.schema import Table
from lake.source import Source
from lake.tables import Drift, catalog_of
from lake.tables.inferred import NOTHING, Shape, declare, grown
from lake.tables.inferred.said import said_of
from lake.tables.paths import quoted
from lake.tables.rows import have_numbers, rows_of

# Rows of a table that somebody is shown, to see what it is like.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class TriedTable:
    """A table that a collection would fill, the rows of the documents that came, and what does not fit into it."""

    table: Table
    rows: pa.Table
    drifts: tuple[Drift, ...] = ()

    @property
    def first(self) -> pa.Table:
        """The rows that somebody is shown."""
        return self.rows.slice(0, SHOWN).select([field.name for field in self.table.fields])


@dataclass(frozen=True, slots=True)
class Landing:
    """What one collection would land: its tables, and sentences about what of its documents is in none of them."""

    tables: tuple[TriedTable, ...]
    notes: tuple[str, ...] = ()


def landings(source: Source, trials: Sequence[Trial]) -> dict[str, Landing]:
    """Return what each collection would land.

    Tables that nobody declared follow from the documents that came; if none came, there are none.
    """
    known = catalog_of(source.kind)
    documents = {trial.resource: _documents(trial) for trial in trials}
    inferred = {name: rows for name, rows in documents.items() if known.infers(name) and len(rows)}
    shapes = {name: grown(NOTHING, rows["body"].combine_chunks()) for name, rows in inferred.items()}
    keys = {name: id_key(source, have_numbers(name, rows)) for name, rows in inferred.items()}
    settings = dict(source.tables)
    made = declare(shapes, keys, (), settings)
    found = dict[str, Landing]()
    for name, rows in documents.items():
        if known.infers(name) and name not in shapes:
            found[name] = Landing(())
            continue
        tables = (
            [table for table in made.tables if name in table.resources] if name in shapes else known.tables_of(name)
        )
        notes = [note.sentence for note in made.notes if note.resource == name]
        there = {path for table in tables for field in table.fields for path in field.paths}
        notes += [
            f"{path}: {why}, so that it has no column yet"
            for path, why in _without(shapes.get(name, NOTHING))
            if path not in there and not said_of(settings, name).omits(path)
        ]
        # What PokeAPI's tables are made of has more than these documents.
        parts = rows_of(tables, name, rows) if len(rows) else [(table.schema.empty_table(), []) for table in tables]
        tried = [TriedTable(table, of, tuple(drifts)) for table, (of, drifts) in zip(tables, parts, strict=True)]
        found[name] = Landing(tuple(tried), tuple(notes))
    return found


def _documents(trial: Trial) -> pa.Table:
    """Return the documents of a trial by ascending id, as the lake has them."""
    documents = sorted(trial.documents, key=lambda document: document.id)
    return pa.table(
        {
            "id": pa.array([document.id for document in documents], pa.int64()),
            "path": pa.array([document.path for document in documents], pa.string()),
            "body": pa.array([document.body for document in documents], pa.binary()).cast(pa.string()),
        }
    )


def _without(shape: Shape, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each place of the documents that has no value of which a type could follow, and what it has."""
    for name, place in shape.members.items():
        below = f"{path}.{quoted(name)}" if path else quoted(name)
        yield from _at(place, below)


def _at(place: Shape, path: str) -> Iterator[tuple[str, str]]:
    if not place.values:
        yield path, "always null in these documents"
    elif place.values == {"list"} and (place.elements is None or not place.elements.kinds):
        yield path, "always an empty list in these documents"
    elif place.values == {"object"} and not place.members:
        yield path, "always an empty object in these documents"
    elif place.values == {"list"} and place.elements is not None:
        yield from (
            _at(place.elements, f"{path}[]") if not place.elements.members else _without(place.elements, f"{path}[]")
        )
    elif place.values == {"object"}:
        yield from _without(place, path)
