"""Building tables from raw documents, against what it takes merely to parse their JSON."""

import time

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from lake import tables
from lake.commit import Commit
from lake.documents import slices
from lake.layout import table_folder
from lake.store import Store

BATCH_BYTES = 8 << 20


def build_against_parse(store: Store, commit: Commit) -> tuple[float, float]:
    """Return the seconds to build all tables of a snapshot's documents in memory, and to parse them with pyarrow.

    The bare parse infers every type and keeps nothing; it parses a document at a time where a batch defeats it.
    """
    built = parsed = 0.0
    for file in commit.tables["documents"].files:
        folder = table_folder(commit.snapshot, "documents")
        rows = pq.read_table(pa.BufferReader(store.get(f"{folder}/{file.name}"))).sort_by("id")
        for part in slices(rows, BATCH_BYTES):
            bodies = part["body"].combine_chunks()
            started = time.perf_counter()
            tables.build(str(file.partition), bodies, {})
            built += time.perf_counter() - started
            text = "\n".join(bodies.to_pylist()).encode()
            started = time.perf_counter()
            _parse(text)
            parsed += time.perf_counter() - started
    return built, parsed


def _parse(text: bytes) -> None:
    try:
        pj.read_json(pa.BufferReader(text), read_options=pj.ReadOptions(block_size=len(text) + 1))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        for line in text.splitlines():
            pj.read_json(pa.BufferReader(line), read_options=pj.ReadOptions(block_size=len(line) + 1))
