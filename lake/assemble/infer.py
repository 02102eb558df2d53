"""Inferring tables from documents: the unit of work that looks at some of them, and what follows of all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lake import tables
from lake.assemble.stored import StoredFile, open_documents
from lake.commit import Commit, SourceFacts, read_file
from lake.errors import DamagedObjectError, MissingObjectError
from lake.fields import Entries, entries_of, read_fields
from lake.publish import Finding, Level
from lake.schema import partition_column
from lake.source import Source
from lake.store import PARALLEL_REQUESTS, Store
from lake.table_settings import read_said
from lake.tables import Catalog, catalog_of
from lake.tables.inferred import Assumption, Key, Note, Shape, assumable, declare, grown, joined
from lake.tables.inferred.said import said_of
from lake.tables.inferred.stored import InferredField, InferredTable
from lake.tables.rows import have_numbers
from lake.tables.values import DOCUMENT_VALUES
from lake.text import shown

if TYPE_CHECKING:
    from lake.assemble.units import RunUnits


# Files of a resource's documents that are looked at where it has more than `FEW` of them. Of few, to look at all takes
# less time than is lost if one of the others turns out to have more.
SAMPLE, FEW = 4, 16


class InferUnit(msgspec.Struct, frozen=True, tag="infer"):
    """A unit of work: look at one file of a resource's documents."""

    number: int
    snapshot: str
    resource: str
    file: StoredFile

    @property
    def weight(self) -> int:
        """About how many bytes it holds at a time: a row group, packed and not."""
        return 2 * self.file.file.bytes + (20 << 20)


class InferResult(msgspec.Struct, frozen=True, tag="inferred"):
    """What some documents of a resource look like, and whether the source gives each of them a number as its id."""

    number: int
    resource: str
    shape: Shape
    are_numbers: bool


def infer_unit(store: Store, unit: InferUnit) -> InferResult:
    """Look at the documents of a unit, a row group at a time.

    Raises:
        StoreError: The file is gone, or is not what it was.
    """
    shape, numbers = Shape(), True
    for rows in open_documents(store, [unit.file], unit.snapshot).row_groups():
        shape = grown(shape, rows["body"].combine_chunks())
        numbers = numbers and have_numbers(unit.resource, rows)
    return InferResult(unit.number, unit.resource, shape, numbers)


@dataclass(frozen=True, slots=True)
class Inference:
    """The catalog of a snapshot in the making, what is new in it, and what it follows from where that is `assumed`.

    Of the resources that have an assumption some documents were looked at; it holds if the others have no more.
    """

    catalog: Catalog
    findings: tuple[Finding, ...]
    assumed: Mapping[str, Assumption]


def infer(
    store: Store,
    snapshot: str,
    source: SourceFacts,
    before: Collection[InferredTable],
    documents: Mapping[str, Sequence[StoredFile]],
    run_units: "RunUnits",
    whole: Collection[str] | None = None,
) -> Inference:
    """Return what follows from the documents of a snapshot in the making.

    `documents` has the files of all resources whose tables are to be built; the others keep the tables that they had
    `before`. Every document is looked at of the resources in `whole`, of all if None, and of those of which nothing may
    be assumed; of others some files are.
    """
    known = catalog_of(source.kind)
    files = {name: files for name, files in sorted(documents.items()) if known.infers(name)}
    some = {name: of if whole is None or name in whole else _sample(of) for name, of in files.items()}
    seen = _Seen()
    seen.look(store, snapshot, some, run_units)
    settings, tables = read_said(source.declared.get("tables", {})), [table.table() for table in before]
    made = declare(seen.shapes, seen.keys(source), tables, settings)
    assumed = dict[str, Assumption]()
    for name in (name for name in files if len(some[name]) < len(files[name])):
        own, old = ([table for table in of if name in table.resources] for of in (made.tables, tables))
        if assumption := assumable(seen.shapes[name], own, old, said_of(settings, name)):
            assumed[name] = assumption
    rest = {name: [file for file in of if file not in some[name]] for name, of in files.items() if name not in assumed}
    if any(rest.values()):
        seen.look(store, snapshot, rest, run_units)
        made = declare(seen.shapes, seen.keys(source), tables, settings)
    inferred = tuple(InferredTable.of(table) for table in made.tables)
    return Inference(catalog_of(source.kind, inferred, settings_bytes(source)), tuple(_findings(made.notes)), assumed)


def _sample(files: Sequence[StoredFile]) -> Sequence[StoredFile]:
    """Return the first and the last of some files, and some between them."""
    if len(files) <= FEW:
        return files
    return [files[place * (len(files) - 1) // (SAMPLE - 1)] for place in range(SAMPLE)]


@dataclass(slots=True)
class _Seen:
    """What was seen of documents: their shapes, and the resources with ids that are no numbers."""

    shapes: dict[str, Shape] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)

    def look(
        self, store: Store, snapshot: str, files: Mapping[str, Sequence[StoredFile]], run_units: "RunUnits"
    ) -> None:
        wanted = [(name, file) for name, of in files.items() for file in of]
        # The first files are read last, because those that were read last are held for the units that build.
        units = [InferUnit(number, snapshot, name, file) for number, (name, file) in enumerate(reversed(wanted))]
        for result in run_units(store, units):
            assert isinstance(result, InferResult), "a unit that infers was given"
            self.shapes[result.resource] = joined(self.shapes.get(result.resource, Shape()), result.shape)
            self.texts |= set() if result.are_numbers else {result.resource}

    def keys(self, source: SourceFacts) -> dict[str, Key]:
        return {name: id_key(source, name not in self.texts) for name in self.shapes}


def id_key(source: SourceFacts | Source, is_number: bool) -> Key:
    """Return what inference must know of the ids of a resource's documents: where they stand, and their type."""
    return Key(source.declared.get("id_path", "id"), pa.int64() if is_number else pa.string())


def known_catalog(store: Store, commit: Commit | None, source: SourceFacts | Source) -> Catalog:
    """Return the catalog of a source as far as it is known before its documents are looked at."""
    return catalog_of(source.kind, tuple(inferred_tables(store, commit)), settings_bytes(source))


def settings_bytes(source: SourceFacts | Source) -> bytes:
    """Return the settings of a source that declare tables, as a catalog has them."""
    return msgspec.json.encode(source.declared, order="deterministic") if source.declared else b""


def fingerprint_of(source: SourceFacts | Source) -> str:
    """Return the fingerprint of what makes the tables of a source."""
    return tables.fingerprint(source.kind, settings_bytes(source))


def inferred_tables(store: Store, commit: Commit | None) -> list[InferredTable]:
    """Return the tables of a snapshot that nobody declared.

    Raises:
        MissingObjectError: The list of a table's fields is gone, and so is the file that says the same.
        DamagedObjectError: It has another content.
    """
    found = [name for name, table in commit.tables.items() if table.inferred] if commit else []
    if commit is None or not found:
        return []
    with ThreadPoolExecutor(min(len(found), PARALLEL_REQUESTS), "fields") as pool:
        entries = list(pool.map(partial(_entries, store, commit), found))
    return [_inferred_table(commit, name, of) for name, of in zip(found, entries, strict=True)]


def _entries(store: Store, commit: Commit, name: str) -> Entries:
    """Return the list of a table's fields; each of its files says the same as the object that may be lost."""
    table = commit.tables[name]
    assert table.schema is not None, "older code infers no tables"
    try:
        return read_fields(store, table.schema)
    except (MissingObjectError, DamagedObjectError):
        body = read_file(store, commit.snapshot, name, table.files[0])
        return entries_of(pq.read_schema(pa.BufferReader(body)))


def _inferred_table(commit: Commit, name: str, entries: Entries) -> InferredTable:
    table = commit.tables[name]
    assert table.inferred is not None
    fields, of = msgspec.convert(entries, tuple[InferredField, ...]), table.inferred
    by = partition_column(table.partition)
    return InferredTable(name, table.grain, of.resource, table.primary_key, fields, of.rows, by)


def typed(parent: Commit | None, catalog: Catalog) -> list[Finding]:
    """Say that the generic table of an earlier version is gone, because its documents have tables of their own."""
    if parent is None or DOCUMENT_VALUES.name not in parent.tables or DOCUMENT_VALUES in catalog.tables:
        return []
    names = ", ".join(table.name for table in catalog.tables)
    said = f"its documents have typed tables of their own: {shown(names)}; earlier snapshots keep it"
    return [Finding(Level.WARN, "typed", DOCUMENT_VALUES.name, said)]


def _findings(notes: Iterable[Note]) -> Iterable[Finding]:
    for note in notes:
        yield Finding(Level.WARN, note.kind, note.resource, note.sentence)
