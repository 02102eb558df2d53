"""From the documents of a snapshot to its tables: those whose documents changed are built, the others carried over."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from lake import tables
from lake.assemble.merge import document_files
from lake.commit import Commit, read_file
from lake.documents import DocumentFile
from lake.publish import EncodedFile, Finding, KeyCheck, Level, TableWriter, audit_fields
from lake.publish.check import SHOWN_ROWS
from lake.schema import GENERATION, RESOURCE, SPECIES_GENERATION, Table
from lake.store import Store
from lake.tables import Built

# Batches that are parsed while another one is written; each holds a row group of documents. Parsing takes several times
# its size in memory for a moment.
BATCHES_AHEAD = 3

# Takes a finished table: its declaration, its files, and how many nulls each field has.
Sink = Callable[[Table, list[EncodedFile], Mapping[str, int]], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be built: tables by name, and the resources whose documents are parsed, with all of their tables.

    The rows of every other resource are taken from the parent's table.
    """

    tables: frozenset[str]
    resources: frozenset[str]


@dataclass(slots=True)
class Found:
    """What building tables found: a check of each table's keys, and what did not fit the declarations."""

    checks: dict[str, KeyCheck] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def tables_in(kind: str, resources: Iterable[str], before: Commit | None) -> list[Table]:
    """Return the tables of a snapshot: those that its resources fill, and those that the snapshot `before` had."""
    names = {table.name for resource in resources for table in tables.tables_of(resource, kind)}
    names |= before.tables.keys() if before else set()
    return [table for table in tables.tables_for(kind) if table.name in names]


def plan_work(
    kind: str,
    files: Mapping[str, DocumentFile],
    changed: Collection[str],
    deleted: Collection[str],
    before: Commit | None,
    added: Collection[str] = (),
) -> Work:
    """Return what must be built when the documents of `changed` resources differ from those of the snapshot `before`.

    A table is built when documents of its resources changed, or when what it refers to must be looked up again: in a
    resource that lost documents, that is new, or that gained some while the table points at documents that are not
    there. Without `before`, or after a change of the code, all are.
    """
    every = tables_in(kind, files, before)
    if before is None or before.fingerprint != tables.fingerprint() or before.source["kind"] != kind:
        return Work(frozenset(table.name for table in every), frozenset(files))
    dangling = {entry["subject"] for entry in before.audits if entry["rule"] == "references"}
    unjudged = {*deleted, *(set(added) - document_files(before).keys())}
    parsed, names = set(changed), set()
    for table in every:
        refers = {field.references for field in table.fields}
        is_unjudged = bool(refers & unjudged) or (table.name in dangling and bool(refers & set(added)))
        depends = "pokemon-species" in changed and any(SPECIES_GENERATION in field.paths for field in table.fields)
        if is_unjudged:
            names.add(table.name)
        if (is_unjudged or depends) and not any(RESOURCE in field.paths for field in table.fields):
            parsed |= files.keys() & set(table.resources)
    names |= {table.name for resource in parsed for table in tables.tables_of(resource, kind)}
    return Work(frozenset(names), frozenset(parsed))


def build_tables(
    kind: str,
    files: Mapping[str, DocumentFile],
    work: Work,
    sink: Sink,
    parent_rows: Callable[[Table, Sequence[str]], pa.Table],
    advance: Callable[[int], None] = lambda done: None,
) -> Found:
    """Build tables out of documents, and hand each to `sink` as soon as the last resource that fills it is done.

    `parent_rows` returns the rows that some resources have in the parent's table.
    """
    found = Found()
    wanted = [table for table in tables.tables_for(kind) if table.name in work.tables]
    writers = {
        table.name: TableWriter(table, table.partition, GENERATION if table.partition else None) for table in wanted
    }
    fills = {
        resource: [t for t in tables.tables_of(resource, kind) if t.name in work.tables] for resource in sorted(files)
    }
    last = {table.name: resource for resource, filled in fills.items() for table in filled}
    parsed = [table for resource in work.resources & fills.keys() for table in fills[resource]]
    needed = any(SPECIES_GENERATION in field.paths for table in parsed for field in table.fields)
    generations = species_generations(files) if needed else {}
    drifts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    # Asked for together, for the parent's table is read anew each time.
    carried: dict[str, list[str]] = defaultdict(list)

    def add_carried(table: Table) -> None:
        if table.name in carried:
            writers[table.name].add(parent_rows(table, carried.pop(table.name)))

    with ThreadPoolExecutor(2, thread_name_prefix="encode") as encoders:
        closing: list[Future[None]] = []

        def close(table: Table) -> None:
            writer = writers[table.name]
            sink(table, writer.close(), writer.check.null_counts)

        for resource, filled in fills.items():
            if resource in work.resources:
                for table in filled:
                    add_carried(table)
                unknown = Counter[str]()
                count = 0
                for built, paths, rows in _parsed(kind, resource, files[resource], filled, generations):
                    for item in built:
                        writers[item.table.name].add(item.rows)
                        for drift in item.drifts:
                            drifts[resource, drift.path, drift.expected].append(drift.found)
                    unknown.update(paths)
                    count += rows
                    advance(rows)
                found.findings += audit_fields(resource, unknown, count)
            else:
                for table in filled:
                    carried[table.name].append(resource)
            for table in filled:
                if last[table.name] == resource:
                    add_carried(table)
                    closing.append(encoders.submit(close, table))
        closing += [encoders.submit(close, table) for table in wanted if table.name not in last]
        for future in closing:
            future.result()
    found.checks = {name: writer.check for name, writer in writers.items()}
    found.findings += _drift_findings(drifts)
    return found


def species_generations(files: Mapping[str, DocumentFile]) -> dict[int, int]:
    """Return the generation of every species among the documents."""
    generations: dict[int, int] = {}
    if "pokemon-species" in files:
        for rows in files["pokemon-species"].row_groups():
            generations |= tables.species_generations(rows["body"].combine_chunks())
    return generations


def rows_of_resources(store: Store, commit: Commit | None, table: Table, resources: Sequence[str]) -> pa.Table:
    """Return the rows that some resources' documents have in a published table."""
    assert commit is not None, "without a parent every table is built of documents alone"
    column = next(field.name for field in table.fields if RESOURCE in field.paths)
    parts = []
    for file in commit.tables[table.name].files:
        body = read_file(store, commit.snapshot, table.name, file)
        parts.append(pq.read_table(pa.BufferReader(body), filters=[(column, "in", resources)]))
    return pa.concat_tables(parts).cast(table.schema)


def _parsed(
    kind: str, resource: str, file: DocumentFile, filled: Collection[Table], generations: Mapping[int, int]
) -> Iterator[tuple[list[Built], Mapping[str, int], int]]:
    """Yield the rows, unknown paths and number of a resource's documents, batch by batch, parsed ahead by threads."""
    only = {table.name for table in filled}

    def make(rows: pa.Table) -> tuple[list[Built], Mapping[str, int], int]:
        built = tables.build(resource, rows, generations, kind, only)
        return built, tables.unknown_paths(resource, rows["body"].combine_chunks(), kind), rows.num_rows

    with ThreadPoolExecutor(BATCHES_AHEAD, thread_name_prefix="build") as pool:
        pending: list[Future[tuple[list[Built], Mapping[str, int], int]]] = []
        for rows in file.row_groups():
            pending.append(pool.submit(make, rows))
            if len(pending) > BATCHES_AHEAD:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()


def _drift_findings(drifts: Mapping[tuple[str, str, str], list[str]]) -> Iterable[Finding]:
    for (resource, path, expected), found in drifts.items():
        examples = ", ".join(islice(dict.fromkeys(found), SHOWN_ROWS))
        yield Finding(
            Level.WARN,
            "drift",
            resource,
            f"{path}: expected {expected}, found {examples}; {len(found)} values landed as null",
        )
