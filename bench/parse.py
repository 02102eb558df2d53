"""Building tables from raw documents, against what it takes merely to parse their JSON."""

import time
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from bench.rows import Row
from bench.world import World
from lake import tables
from lake.commit import Commit, head
from lake.documents import DocumentFile
from lake.layout import table_folder
from lake.store import Store


def building(world: World, runs: int) -> Iterator[Row]:
    """Build the tables of the lake that a first crawl has filled, and weigh what it stores."""
    store = world.store("all-0")
    commit = head(store)
    assert commit is not None
    built, parsed, json_bytes = build_against_parse(store, commit)
    yield Row("building all tables from raw, s", [built], [parsed], "times", 2)
    raw = commit.tables["documents"].bytes
    typed = sum(table.bytes for table in commit.tables.values()) - raw
    yield Row("raw bytes stored per JSON byte", [raw / json_bytes], (), "at most", 0.03)
    yield Row("table bytes stored per JSON byte", [typed / json_bytes], (), "at most", 0.03)


def build_against_parse(store: Store, commit: Commit) -> tuple[float, float, int]:
    """Return the seconds to build all tables of a snapshot's documents, the seconds to parse them, and their bytes.

    The bare parse infers every type and keeps nothing; it parses a document at a time where a batch defeats it.
    """
    built, parsed, json_bytes = 0.0, 0.0, 0
    for file in commit.tables["documents"].files:
        folder = table_folder(commit.snapshot, "documents")
        for part in DocumentFile(store.get(f"{folder}/{file.name}")).row_groups():
            bodies = part["body"].combine_chunks()
            json_bytes += pc.sum(pc.binary_length(bodies)).as_py()
            started = time.perf_counter()
            tables.build(tables.catalog_of("pokeapi"), str(file.partition), part, {})
            built += time.perf_counter() - started
            text = "\n".join(map(_object, bodies.to_pylist())).encode()
            started = time.perf_counter()
            _parse(text)
            parsed += time.perf_counter() - started
    return built, parsed, json_bytes


def _object(body: str) -> str:
    """Return a document as pyarrow takes it: it refuses a list, as encounters are."""
    return f'{{"items":{body}}}' if body.startswith("[") else body


def _parse(text: bytes) -> None:
    try:
        pj.read_json(pa.BufferReader(text), read_options=pj.ReadOptions(block_size=len(text) + 1))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        for line in text.splitlines():
            pj.read_json(pa.BufferReader(line), read_options=pj.ReadOptions(block_size=len(line) + 1))
