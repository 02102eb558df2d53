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

from bench.parse import build_against_parse
from flows.stack import Stack, local_stack
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
        _build(stack)


def _crawls(stack: Stack, runs: int) -> None:
    assert stack.replica is not None
    # Without a version to go by, a refresh must ask for every document.
    _put(
        f"{stack.replica.removesuffix('api/v2/')}replica/faults", [{"kind": "status", "status": 404, "path": "^meta$"}]
    )
    bare, first, second = [], [], []
    for _ in range(runs):
        prefix = f"run-{secrets.token_hex(4)}"
        bare.append(_child("bench.bare", stack.replica, BUCKET))
        first.append(_child("bench.lake_run", stack.replica, BUCKET, prefix, "pokemon"))
        second.append(_child("bench.lake_run", stack.replica, BUCKET, prefix, "pokemon"))
    middle = {
        "bare": statistics.median(run["all"] for run in bare),
        "bare 304": statistics.median(run["unchanged"] for run in bare),
        "lake": statistics.median(run["flow"] for run in first),
        "lake 304": statistics.median(run["flow"] for run in second),
    }
    load = statistics.median(run["load"] for run in first)
    _line("pokemon: crawl, tables, publish", middle["lake"], middle["bare"], 1.5)
    _line("pokemon: nothing changed, all 304", middle["lake 304"], middle["bare 304"], 1.1)
    print(f"  loading Prefect, apart: {load:.2f} s; peak {max(run['peak_mb'] for run in first):.0f} MB")
    print(f"  last states: {first[-1]['state']} | {second[-1]['state']}")


def _build(stack: Stack) -> None:
    assert stack.replica is not None
    result = _child("bench.lake_run", stack.replica, BUCKET, "core", "")
    store = Store(BUCKET, "core")
    commit = head(store)
    assert commit is not None
    print(
        f"core resources, first run: {result['flow']:.1f} s, CPU {result['cpu']:.1f} s, peak {result['peak_mb']:.0f} MB"
    )
    built, parsed = build_against_parse(store, commit)
    _line("building tables from raw, to a bare parse", built, parsed, 2)
    json_bytes = commit.source["json_bytes"]
    raw = commit.tables["documents"].bytes
    typed = sum(table.bytes for table in commit.tables.values()) - raw
    _line("raw bytes stored per JSON byte", raw / json_bytes, None, 0.03)
    _line("table bytes stored per JSON byte", typed / json_bytes, None, 0.03)


def _line(what: str, value: float, base: float | None, budget: float) -> None:
    ratio = value if base is None else value / base
    verdict = "within" if ratio <= budget else "OVER"
    seconds = "" if base is None else f" ({value:.2f} s to {base:.2f} s)"
    print(f"{what}: {ratio:.3f}{seconds}, {verdict} the budget of {budget}", flush=True)


def _child(module: str, *arguments: str) -> dict[str, float]:
    output = subprocess.run([sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.PIPE).stdout
    result: dict[str, float] = json.loads(output.splitlines()[-1])
    return result


def _put(url: str, value: object) -> None:
    request = urllib.request.Request(
        url, json.dumps(value).encode(), {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request):
        pass


if __name__ == "__main__":
    main()
