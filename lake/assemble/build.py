"""Building the tables of a snapshot from its documents, in groups that the same documents fill; each is one unit."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import msgspec
import pyarrow as pa

from lake import tables
from lake.assemble.batches import parsed_ahead
from lake.assemble.carried import ParentTables
from lake.assemble.drifts import Drifts
from lake.assemble.known import read_known
from lake.assemble.shared import SharedRows
from lake.assemble.stored import StoredFile, open_documents
from lake.assemble.work import Group
from lake.commit import DataFile
from lake.documents import DocumentFile
from lake.publish import Checked, EncodedFile, Finding, KeyCheck, ListedFile, SnapshotWriter, TableWriter, audit_fields
from lake.publish.parquet import QUICK
from lake.schema import Table
from lake.store import Store
from lake.tables import Catalog, catalog_of
from lake.tables.inferred import Assumed, Assumption, UnassumedError
from lake.tables.inferred.stored import InferredTable

# Tables of a group that are compressed at the same time.
ENCODED_AT_ONCE = 2

Advance = Callable[[int], None]

# Takes a finished file of a table.
Sink = Callable[[Table, EncodedFile], object]

# Yields the rows that some resources have in the parent's table.
ParentRows = Callable[[Table, Sequence[str]], Iterable[pa.Table]]


@dataclass(slots=True)
class Found:
    """What a build leaves: the files and the check of each table, and the values that did not fit the declarations.

    `faults` gives, by resource and id, the reason why a table cannot take a document as it is.
    """

    files: dict[str, list[DataFile]] = field(default_factory=dict)
    checks: dict[str, KeyCheck] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    faults: dict[tuple[str, int], str] = field(default_factory=dict)


class BuildUnit(msgspec.Struct, frozen=True, tag="build"):
    """A unit of work: build a group of tables, and write them into the snapshot.

    `files` are the documents of the snapshot, by parsed resource. `parent` are the parent's files, by table: rows of
    them may be carried over, and one that comes out the same is copied. References must lie below `bases`, anywhere if
    None. `inferred` are those of its tables that nobody declared, and `assumed` is what they follow from, by resource,
    where not every document was looked at.
    """

    number: int
    snapshot: str
    group: Group
    files: dict[str, tuple[StoredFile, ...]]
    parent: dict[str, tuple[ListedFile, ...]] = {}
    known: SharedRows | None = None
    bases: tuple[str, ...] | None = None
    inferred: tuple[InferredTable, ...] = ()
    assumed: dict[str, Assumption] = {}

    @property
    def weight(self) -> int:
        """About how many bytes it holds at a time: batches that are parsed ahead, and what waits to be written."""
        return 2 * sum(stored.file.bytes for files in self.files.values() for stored in files) + (40 << 20)


class BuiltTable(msgspec.Struct, frozen=True):
    """One table as it was written."""

    files: tuple[DataFile, ...]
    checked: Checked


class Fault(msgspec.Struct, frozen=True):
    """A document that a table cannot take as it is, and the reason."""

    resource: str
    id: int
    reason: str


class BuildResult(msgspec.Struct, frozen=True, tag="built"):
    """The outcome of a unit that builds: its tables, what was found on the way, and how many documents it counts.

    None of that counts if documents of `unassumed` resources have more than was assumed.
    """

    number: int
    documents: int
    tables: dict[str, BuiltTable]
    findings: tuple[Finding, ...]
    faults: tuple[Fault, ...]
    unassumed: tuple[str, ...] = ()


def build_unit(store: Store, unit: BuildUnit) -> BuildResult:
    """Build the tables of a unit, and write them into the snapshot.

    Raises:
        StoreError: Something that it reads is gone, or is not what it was.
    """
    known = read_known(store, unit.known)
    documents = {resource: open_documents(store, unit.files[resource], unit.snapshot) for resource in unit.group.parsed}
    done = Counter[str]()

    like = {(name, one.file.name): one for name, files in unit.parent.items() for one in files}
    try:
        with SnapshotWriter(store, unit.snapshot) as writer:
            found = build_group(
                catalog_of(unit.group.kind, unit.inferred),
                unit.group,
                documents,
                known.generations,
                lambda table, file: writer.put(table.name, file, like.get((table.name, file.name))),
                ParentTables(store, unit.parent).rows,
                lambda rows: done.update(documents=rows),
                frozenset(unit.bases) if unit.bases is not None else None,
                {resource: Assumed.of(assumption) for resource, assumption in unit.assumed.items()},
            )
    except UnassumedError:
        return BuildResult(unit.number, 0, {}, (), (), tuple(unit.assumed))
    tables = {
        name: BuiltTable(tuple(found.files[name]), check.checked(known.ids)) for name, check in found.checks.items()
    }
    faults = tuple(Fault(resource, id_, reason) for (resource, id_), reason in found.faults.items())
    return BuildResult(unit.number, done["documents"], tables, tuple(found.findings), faults)


def build_group(
    catalog: Catalog,
    group: Group,
    documents: Mapping[str, DocumentFile],
    generations: Mapping[int, int],
    sink: Sink,
    parent_rows: ParentRows,
    advance: Advance = lambda done: None,
    bases: frozenset[str] | None = None,
    assumed: Mapping[str, Assumed | None] | None = None,
) -> Found:
    """Build a group of tables out of documents, and hand each file to `sink` when it is finished.

    Raises:
        UnassumedError: Documents have more than is `assumed` of those of their resource.
    """
    assumed = assumed or {}
    wanted = [table for table in catalog.tables if table.name in group.tables]
    writers = {
        table.name: TableWriter(
            table, table.partition, table.by, QUICK if table.is_inferred else None, partial(sink, table)
        )
        for table in wanted
    }
    found, drifts = Found(), Drifts()
    # Carried rows are asked for together, because each request reads the parent's table anew.
    carried: dict[str, list[str]] = defaultdict(list)

    def add_carried(table: Table) -> None:
        for rows in parent_rows(table, carried.pop(table.name)) if table.name in carried else ():
            writers[table.name].add(rows)

    with ThreadPoolExecutor(ENCODED_AT_ONCE, thread_name_prefix="encode") as encoders:
        for resource in sorted({*group.parsed, *group.carried}):
            filled = [table for table in catalog.tables_of(resource) if table.name in writers]
            if resource in group.carried:
                for table in filled:
                    carried[table.name].append(resource)
                continue
            for table in filled:
                add_carried(table)
            unknown, count = Counter[str](), 0
            own, seeks = assumed.get(resource), not group.reads_again
            parsed = parsed_ahead(catalog, resource, documents[resource], filled, generations, seeks, bases, own)
            for batch in parsed:
                list(encoders.map(lambda built: writers[built.table.name].add(built.rows), batch.built))
                for built in batch.built:
                    drifts.add(resource, built.drifts)
                unknown.update(batch.unknown)
                count += batch.rows
                if not group.reads_again:
                    advance(batch.rows)
            found.findings += audit_fields(resource, unknown, count)
        for table in wanted:
            add_carried(table)

        files = encoders.map(lambda table: writers[table.name].close(), wanted)
        found.files = dict(zip((table.name for table in wanted), files, strict=True))
    found.checks = {name: writer.check for name, writer in writers.items()}
    found.findings += drifts.findings()
    found.faults = drifts.faults()
    return found


def species_generations(species: DocumentFile, bases: frozenset[str] | None = None) -> dict[int, int]:
    """Return the generation of every species by its id."""
    generations: dict[int, int] = {}
    for rows in species.row_groups():
        generations |= tables.species_generations(rows["body"].combine_chunks(), bases)
    return generations
