"""From documents to a snapshot's files: the parent's documents and the staged ones, merged, tabled and written."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lake import documents, tables
from lake.commit import Commit
from lake.documents import DOCUMENTS, ParentDocuments
from lake.errors import StoreError
from lake.layout import table_folder
from lake.publish import FileStyle, Finding, Level, SnapshotWriter, TableWriter, audit_table
from lake.publish.keys import SHOWN_ROWS
from lake.schema import GENERATION
from lake.store import Store
from lake.tables import TABLES, Built

# Batches that are parsed while another one is written; each holds a shard's documents, up to 30 MB of JSON.
BATCHES_AHEAD = 2

# JSON parsed at once: parsing takes several times its size in memory for a moment.
PARSED_BYTES = 8 << 20

DOCUMENTS_STYLE = FileStyle(row_group_rows=128, page_bytes=documents.PAGE_BYTES, use_dictionary=False)

Manifest = Mapping[str, Any]


@dataclass(slots=True)
class Outcome:
    """What building a snapshot found: the changes by resource, the ids there are, and what audits are to know."""

    changes: dict[str, dict[str, int]] = field(default_factory=dict)
    deleted: dict[str, list[str]] = field(default_factory=dict)
    ids_before: dict[str, set[int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    json_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some documents of one resource as they hold now, the rows they make, and how many are new or modified."""

    rows: pa.Table
    built: list[Built]
    added: int
    modified: int


class SnapshotBuilder:
    """Builds one snapshot out of a parent and a crawl's manifests, a batch at a time; holds what both say there is."""

    def __init__(self, store: Store, parent: Commit | None, manifests: Sequence[Manifest]) -> None:
        self._store = store
        self._parent = parent
        self._manifests: dict[str, list[Manifest]] = defaultdict(list)
        for manifest in manifests:
            self._manifests[manifest["resource"]].append(manifest)
        at_hand = set(_document_files(parent))
        self.resources = sorted(at_hand | self._manifests.keys())

    def build(
        self, writer: SnapshotWriter, allow_shrink: Collection[str], advance: Callable[[int], None] = lambda done: None
    ) -> Outcome:
        """Write every table of the snapshot, and return what was found; tell `advance` how many documents are done."""
        outcome = Outcome()
        generations: dict[int, int] = {}
        for rows, _ in self._merged("pokemon-species", self._parent_documents("pokemon-species")):
            generations |= tables.species_generations(rows["body"].combine_chunks())

        raw = TableWriter(DOCUMENTS, documents.PARTITION, "resource_name", DOCUMENTS_STYLE)
        writers = {table.name: _table_writer(table) for table in TABLES}
        ids: dict[str, pa.Array] = {}
        drifts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for resource in self.resources:
            known = []
            for batch in self._batches(resource, generations, outcome):
                raw.add(batch.rows)
                advance(batch.rows.num_rows)
                known.append(batch.rows["id"].combine_chunks())
                outcome.json_bytes += pc.sum(pc.binary_length(batch.rows["body"])).as_py() or 0
                for built in batch.built:
                    writers[built.table.name].add(built.rows)
                    for drift in built.drifts:
                        drifts[built.table.name, drift.path, drift.expected].append(drift.found)
            ids[resource] = pa.concat_arrays(known) if known else pa.array([], pa.int32())
        with ThreadPoolExecutor(thread_name_prefix="encode") as pool:
            raw_files = pool.submit(raw.close)
            closing = [(table, pool.submit(writers[table.name].close)) for table in TABLES]
            writer.add(DOCUMENTS, documents.PARTITION, raw_files.result())
            for table, files in closing:
                writer.add(table, table.partition, files.result())
        for name, table_writer in {"documents": raw, **writers}.items():
            before = self._parent.tables.get(name) if self._parent else None
            outcome.findings += audit_table(table_writer.check, before.rows if before else None, ids, allow_shrink)
        outcome.findings += _drift_findings(drifts)
        return outcome

    def _batches(self, resource: str, generations: Mapping[int, int], outcome: Outcome) -> Iterator[_Batch]:
        """Yield a resource's documents in the order of their ids, parsed ahead by a few threads."""
        counts = outcome.changes.setdefault(resource, {"added": 0, "modified": 0, "deleted": 0})
        parent = self._parent_documents(resource)
        before = set(parent.etags())
        gone = sorted(before.intersection(self._gone(resource)))
        outcome.ids_before[resource] = before
        outcome.deleted[resource] = [f"{resource}/{id_}" for id_ in gone]
        counts["deleted"] = len(gone)

        def make(rows: pa.Table, changed: tuple[int, int]) -> _Batch:
            built = [
                item
                for part in documents.slices(rows, PARSED_BYTES)
                for item in tables.build(resource, part["body"].combine_chunks(), generations)
            ]
            return _Batch(rows, built, *changed)

        with ThreadPoolExecutor(BATCHES_AHEAD, thread_name_prefix="build") as pool:
            pending: list[Future[_Batch]] = []
            for rows, changed in self._merged(resource, parent):
                pending.append(pool.submit(make, rows, changed))
                if len(pending) > BATCHES_AHEAD:
                    yield _counted(pending.pop(0).result(), counts)
            for future in pending:
                yield _counted(future.result(), counts)

    def _merged(self, resource: str, parent: ParentDocuments) -> Iterator[tuple[pa.Table, tuple[int, int]]]:
        """Yield a resource's documents as they hold after the crawl, range by range, with (added, modified)."""
        manifests = sorted(self._manifests[resource], key=lambda manifest: manifest["number"])
        if not manifests:
            yield from ((rows, (0, 0)) for rows in parent.row_groups())
            return
        gone = self._gone(resource)
        # The shards that asked once more cut across the ranges of the others.
        regular = [m for m in manifests if not m["again"]]
        late = pa.concat_tables([documents.SCHEMA.empty_table(), *(self._staged(m) for m in manifests if m["again"])])
        ends = [manifest["last_id"] for manifest in regular]
        bounds = list(zip([-(2**31), *(end + 1 for end in ends[:-1])], [*ends[:-1], 2**31 - 1], strict=True))
        for manifest, (low, high), rows in zip(regular, bounds, parent.between(bounds), strict=True):
            inside = pc.and_(pc.greater_equal(late["id"], low), pc.less_equal(late["id"], high))
            fetched = pa.concat_tables([self._staged(manifest), late.filter(inside)])
            yield documents.merge(rows, fetched, gone), documents.changed(rows, fetched)

    def _gone(self, resource: str) -> list[int]:
        return [id_ for manifest in self._manifests[resource] for id_ in manifest["gone"]]

    def _staged(self, manifest: Manifest) -> pa.Table:
        if manifest["key"] is None:
            return documents.SCHEMA.empty_table()
        rows = documents.unpack(self._store.get(manifest["key"]))
        if rows.num_rows != manifest["documents"]:
            raise StoreError(
                f"{self._store.uri(manifest['key'])}: expected {manifest['documents']} whole documents, found"
                f" {rows.num_rows}; run again, and they are fetched anew"
            )
        return rows

    def _parent_documents(self, resource: str) -> ParentDocuments:
        return parent_documents(self._store, self._parent, resource)


def parent_documents(store: Store, parent: Commit | None, resource: str) -> ParentDocuments:
    """Return one resource's documents in a snapshot; none where it has none."""
    name = _document_files(parent).get(resource)
    if parent is None or name is None:
        return ParentDocuments(None)
    return ParentDocuments(store.get(f"{table_folder(parent.snapshot, DOCUMENTS.name)}/{name}"))


def _document_files(parent: Commit | None) -> dict[str, str]:
    if parent is None:
        return {}
    return {str(file.partition): file.name for file in parent.tables[DOCUMENTS.name].files if file.partition}


def _table_writer(table: Any) -> TableWriter:
    return TableWriter(table, table.partition, GENERATION if table.partition else None)


def _counted(batch: _Batch, counts: dict[str, int]) -> _Batch:
    counts["added"] += batch.added
    counts["modified"] += batch.modified
    return batch


def _drift_findings(drifts: Mapping[tuple[str, str, str], list[str]]) -> Iterable[Finding]:
    for (table, path, expected), found in drifts.items():
        examples = ", ".join(islice(dict.fromkeys(found), SHOWN_ROWS))
        yield Finding(
            Level.WARN,
            "drift",
            table,
            f"{path}: expected {expected}, found {examples}; {len(found)} values landed as null",
        )
