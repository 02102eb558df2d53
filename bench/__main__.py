"""``make bench``: ratios of the lake to bare scripts, in one run on one machine, against the budgets of the design."""

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from bench.parse import build_against_parse
from flows.local.stack import Stack, local_stack
from lake.commit import head
from lake.store import Store

CORPUS = Path(__file__).parents[2] / "shared" / "pokeapi" / "api-data-2026-08-08.tar.xz"
BUCKET = "bench"


def main() -> None:
    """Run everything and print one line a measurement."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--corpus", default=str(CORPUS) if CORPUS.exists() else "demo")
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs; the median counts")
    options = parser.parse_args()
    print(f"corpus {options.corpus}, {options.runs} pairs of runs, the median of each; {os.cpu_count()} cores")
    with local_stack(options.corpus, lambda line: None) as stack:
        os.environ.update(stack.environment)
        os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
        Store(BUCKET).create_bucket()
        _crawls(stack, options.runs)
        _build()


def _crawls(stack: Stack, runs: int) -> None:
    """Compare first crawls of every Pokémon, and refreshes of everything that find nothing changed."""
    base = stack.replica or ""
    # Without a version to go by, a refresh must ask for every document.
    _put(f"{base.removesuffix('api/v2/')}replica/faults", [{"kind": "status", "status": 404, "path": "^meta$"}])
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in ("bare", "lake", "bare 304", "lake 304")}
    first = _child("bench.lake_run", base, BUCKET, "all", "")
    for _ in range(runs):
        results["bare"].append(_child("bench.bare", "crawl", base, BUCKET))
        results["lake"].append(_child("bench.lake_run", base, BUCKET, f"run-{secrets.token_hex(4)}", "pokemon"))
        results["bare 304"].append(_child("bench.bare", "unchanged", base))
        results["lake 304"].append(_child("bench.lake_run", base, BUCKET, "all", ""))
    assert all(run["state"].startswith("Unchanged") for run in results["lake 304"])
    middle = {name: statistics.median(run["seconds"] for run in found) for name, found in results.items()}
    _line("every pokemon: crawl, tables, publish", middle["lake"], middle["bare"], 1.5)
    _line("everything: nothing changed, all 304", middle["lake 304"], middle["bare 304"], 1.1)
    print(f"  loading Prefect and saving the results block, apart: {first['load']:.2f} s")
    print(f"everything, first run: {first['seconds']:.1f} s, CPU {first['cpu']:.1f} s")
    _line("everything, first run: peak MB", first["peak_mb"], None, 700)


def _build() -> None:
    """Compare building tables with merely parsing, and bytes stored with bytes received."""
    store = Store(BUCKET, "all")
    commit = head(store)
    assert commit is not None
    built, parsed, json_bytes = build_against_parse(store, commit)
    _line("building tables from raw, to a bare parse", built, parsed, 2)
    raw = commit.tables["documents"].bytes
    typed = sum(table.bytes for table in commit.tables.values()) - raw
    _line("raw bytes stored per JSON byte", raw / json_bytes, None, 0.03)
    _line("table bytes stored per JSON byte", typed / json_bytes, None, 0.03)


def _line(what: str, value: float, base: float | None, budget: float) -> None:
    ratio = value if base is None else value / base
    verdict = "within" if ratio <= budget else "OVER"
    seconds = "" if base is None else f" ({value:.2f} s to {base:.2f} s)"
    print(f"{what}: {ratio:.3f}{seconds}, {verdict} the budget of {budget}", flush=True)


def _child(module: str, *arguments: str) -> dict[str, Any]:
    output = subprocess.run([sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.PIPE).stdout
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def _put(url: str, value: object) -> None:
    request = urllib.request.Request(
        url, json.dumps(value).encode(), {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request):
        pass


if __name__ == "__main__":
    main()
