"""``python -m bench.in_lake store BUCKET PREFIX FILE``, then ``build BUCKET PREFIX``: orders, by the lake's own code.

`store` publishes the documents of a file as those of a JSON API that no code knows. `build` makes all tables of that
snapshot anew, as a refresh does, and does not publish them. What is measured is the way from the documents in S3 to
tables in S3: inferring what they are, and building them. `whole` are the seconds with all that comes before and after,
such as the look for damage, and the audits.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec

from lake.assemble.draft import Crawled, Draft, write_draft
from lake.assemble.staging import Manifest, source_facts, stage
from lake.commit import Commit, head
from lake.crawl import Fetched, Listing, Shard, Source, Upstream, Wanted
from lake.documents import DOCUMENT_INDEX, DOCUMENTS
from lake.layout import new_snapshot_id
from lake.publish import commit_snapshot
from lake.resource import Document, Reference
from lake.source import Rest
from lake.store import Store

RESOURCE = "orders"
SOURCE = Source("https://shop.example/", kind="rest", rest=Rest(collections=((RESOURCE, RESOURCE),)))

SHARD_DOCUMENTS = 5_000


class _Order(msgspec.Struct):
    id: int


@dataclass
class _Clock:
    """Notes when each phase of a draft ends: the time, and the CPU that this process has used."""

    ended: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda done: None
        self.ended[what] = time.perf_counter(), sum(os.times()[:4])


def main(act: str, bucket: str, prefix: str, *file: str) -> None:
    """Store, or build; print the seconds of inferring and building, and the rows of each table, as JSON."""
    store, clock, started = Store(bucket, prefix), _Clock(), time.perf_counter()
    built = publish(store, clock, *map(Path, file)) if act == "store" else build(store, clock)
    rows = {name: sum(file.rows for file in table.files) for name, table in built.tables.items()}
    for name in (DOCUMENTS.name, DOCUMENT_INDEX.name):
        del rows[name]
    begun, ended = clock.ended["documents"], clock.ended["tables"]
    seconds, cpu = (after - before for before, after in zip(begun, ended, strict=True))
    whole = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "cpu": cpu, "whole": whole, "rows": rows}))


def publish(store: Store, clock: _Clock, file: Path) -> Commit:
    """Publish the documents of a file as the first snapshot of a lake."""
    with file.open("rb") as lines:
        manifests = [_staged(store, number, shard) for number, shard in enumerate(_shards(lines))]
    upstream = Upstream(None, {RESOURCE: f"{SOURCE.base_url}{RESOURCE}"})
    facts = source_facts(SOURCE, upstream, [Listing(RESOURCE, is_inline=True)], manifests)
    draft = _draft(store, clock, None, Crawled(facts, manifests))
    draft.require_sound()
    commit_snapshot(store, draft.commit)
    return draft.commit


def build(store: Store, clock: _Clock) -> Commit:
    """Build every table of the current snapshot from its documents, and return the commit that would publish them."""
    current = head(store)
    assert current is not None, "it was published before"
    return _draft(store, clock, current, Crawled(current.source, (), is_partial=True)).commit


def _draft(store: Store, clock: _Clock, parent: Commit | None, crawled: Crawled) -> Draft:
    snapshot = new_snapshot_id(datetime.now(UTC))
    draft = write_draft(store, snapshot, parent, crawled, clock.progress, is_rebuild=parent is not None)
    assert draft is not None, "all tables are built"
    return draft


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
