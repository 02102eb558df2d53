"""``python -m bench.in_lake store BUCKET PREFIX FILE``, then ``build BUCKET PREFIX``: orders, by the lake's own code.

`store` publishes the documents of a file as those of a JSON API that no code knows. `build` makes all tables of that
snapshot, as a refresh does, from the documents in S3 to Parquet in S3: it infers what they are, builds and writes them.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path

import msgspec
import pyarrow as pa

from lake.assemble.draft import Crawled, write_draft
from lake.assemble.groups import build_tables
from lake.assemble.index import read_index
from lake.assemble.infer import infer
from lake.assemble.merged import MergedResource, Merging
from lake.assemble.staging import Manifest, source_facts, stage
from lake.assemble.stored import document_files
from lake.assemble.units import in_threads
from lake.assemble.work import Work, cut_groups
from lake.commit import head
from lake.crawl import Fetched, Listing, Shard, Source, Upstream, Wanted
from lake.layout import new_snapshot_id
from lake.publish import commit_snapshot
from lake.resource import Document, Reference
from lake.source import Rest
from lake.store import Store

RESOURCE = "orders"
SOURCE = Source("https://shop.example/", kind="rest", rest=Rest(collections=((RESOURCE, RESOURCE),)))

SHARD_DOCUMENTS = 5_000

# What Arrow loads when it first needs it.
LOADED_LATE = ("pandas", "pyarrow.dataset")


class _Order(msgspec.Struct):
    id: int


def main(act: str, bucket: str, prefix: str, *file: str) -> None:
    """Store, or build and print the seconds of it, the CPU, what Arrow held at most, and each table's rows, as JSON."""
    store = Store(bucket, prefix)
    for name in LOADED_LATE:
        import_module(name)
    if act == "store":
        publish(store, *map(Path, file))
        return
    before, used = time.perf_counter(), sum(os.times()[:4])
    rows = build(store)
    seconds, cpu = time.perf_counter() - before, sum(os.times()[:4]) - used
    arrow_mb = pa.default_memory_pool().max_memory() / 2**20
    print(json.dumps({"seconds": seconds, "cpu": cpu, "arrow_mb": arrow_mb, "rows": rows}))


def publish(store: Store, file: Path) -> None:
    """Publish the documents of a file as the first snapshot of a lake."""
    with file.open("rb") as lines:
        manifests = [_staged(store, number, shard) for number, shard in enumerate(_shards(lines))]
    upstream = Upstream(None, {RESOURCE: f"{SOURCE.base_url}{RESOURCE}"})
    facts = source_facts(SOURCE, upstream, [Listing(RESOURCE, is_inline=True)], manifests)
    draft = write_draft(store, new_snapshot_id(datetime.now(UTC)), None, Crawled(facts, manifests), _silent)
    assert draft is not None, "all tables are built"
    draft.require_sound()
    commit_snapshot(store, draft.commit)


def build(store: Store) -> dict[str, int]:
    """Build every table of the current snapshot into a new folder; return the rows of each.

    What the tables were inferred to be before is not used.
    """
    commit, snapshot = head(store), new_snapshot_id(datetime.now(UTC))
    assert commit is not None, "it was published before"
    files = document_files(commit)
    resources = {name: MergedResource(name, of, of) for name, of in files.items()}
    merging = Merging(store, commit, resources, read_index(store, commit), ())
    assert merging.index is not None, "every lake has one"
    inference = infer(store, snapshot, commit.source, (), files, in_threads, whole=())
    catalog = inference.catalog
    work = Work(frozenset(table.name for table in catalog.tables), frozenset(files))
    groups = cut_groups(catalog, files, work)
    built = build_tables(
        store,
        snapshot,
        catalog,
        {},
        merging,
        merging.index,
        groups,
        frozenset(),
        lambda done: None,
        in_threads,
        inference.assumed,
    )
    return {name: table.checked.rows for result in built for name, table in result.tables.items()}


@contextmanager
def _silent(what: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def _shards(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while shard := [line.rstrip() for line in islice(lines, SHARD_DOCUMENTS)]:
        yield shard


def _staged(store: Store, number: int, bodies: list[bytes]) -> Manifest:
    at, decoder = datetime.now(UTC), msgspec.json.Decoder(_Order)
    ids = [decoder.decode(body).id for body in bodies]
    url = f"{SOURCE.base_url}{RESOURCE}"
    references = [Reference(RESOURCE, id_, url, f"{RESOURCE}/{id_}") for id_ in ids]
    shard = Shard(RESOURCE, number, tuple(map(Wanted, references)))
    received: list[Document] = [of.received(None, at, body) for of, body in zip(references, bodies, strict=True)]
    return stage(store, "bench", shard, Fetched(received, requests=1, versions=Counter()))


if __name__ == "__main__":
    main(*sys.argv[1:])
