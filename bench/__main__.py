"""``make bench``: what the promises cost, against bare scripts and the budgets of the design, in one run."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.against_dlt import typed_tables
from bench.archive import path_of
from bench.changes import changed
from bench.container import container
from bench.crawls import first_crawls, unchanged
from bench.grow import DOMAINS, grow
from bench.measure import BenchError
from bench.memory import grown
from bench.parse import building
from bench.reading import cold_reading
from bench.rows import HEAD, Row
from bench.workers import workers
from bench.world import World, world
from lake.errors import LakeError

CORPUS = Path(__file__).parents[2] / "shared" / "pokeapi" / "api-data-2026-08-08.tar.xz"
JSON = Path("build") / "bench.json"

# Run in this order against one world; those after the first find the lake that it has filled.
PARTS: dict[str, Callable[[World, int], Iterator[Row]]] = {
    "first": first_crawls,
    "unchanged": unchanged,
    "building": building,
    "reading": cold_reading,
    "changed": changed,
    "workers": workers,
    "dlt": typed_tables,
    "grown": grown,
}
# Those that have a world of their own.
ALONE: dict[str, Callable[[int], Iterator[Row]]] = {"container": container}


def main() -> None:
    """Run everything, print one line a row as soon as it is known, and write all as JSON."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--corpus", default=str(CORPUS) if CORPUS.exists() else "demo", help="an archive, or 'demo'")
    parser.add_argument("--times", type=int, default=1, help="grow the corpus so many times first")
    parser.add_argument("--domain", choices=sorted(DOMAINS), default="pokemon", help="what grows")
    parser.add_argument("--runs", type=int, default=2, help="runs of whatever is noisy; the median counts")
    parser.add_argument("--only", nargs="+", choices=[*PARTS, *ALONE], help="parts of the table (default: all)")
    parser.add_argument("--json", type=Path, default=JSON, help=f"where the rows are written (default: {JSON})")
    options = parser.parse_args()
    # A signal that ends the bench must end what it has started as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    with TemporaryDirectory(prefix="pokelake-bench-", ignore_cleanup_errors=True) as folder:
        corpus = options.corpus
        if options.times > 1:
            corpus = str(Path(folder, "grown.tar"))
            grow(path_of(options.corpus), Path(corpus), options.times, options.domain)
        print(
            f"{Path(options.corpus).name} x {options.times}, medians of {options.runs}, {os.cpu_count()} cores\n{HEAD}"
        )
        rows = []
        # What is grown already is not grown again.
        parts = options.only or [name for name in (*PARTS, *ALONE) if name != "grown" or options.times == 1]
        for row in _rows(corpus, parts, options.runs):
            print(row.line(), flush=True)
            rows.append(row.json())
    facts = {"corpus": options.corpus, "times": options.times, "domain": options.domain, "cores": os.cpu_count()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({**facts, "seconds": time.monotonic() - started, "rows": rows}, indent=1))
    print(f"{time.monotonic() - started:.0f} s; every run is in {options.json}", file=sys.stderr)


def _rows(corpus: str, parts: list[str], runs: int) -> Iterator[Row]:
    """Yield the rows of each part as they are known; a part that fails says so, and the others go on."""
    if not PARTS.keys().isdisjoint(parts):
        with world(corpus) as running:
            for name, part in PARTS.items():
                if name in parts:
                    yield from _told(name, part(running, runs))
    for name, alone in ALONE.items():
        if name in parts:
            yield from _told(name, alone(runs))


def _told(name: str, rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except (BenchError, LakeError, AssertionError) as error:
        print(f"{name} failed: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
