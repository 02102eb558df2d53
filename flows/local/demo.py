"""``pokelake demo``: the whole product on one machine in about a minute, told step by step."""

import os
import signal
import sys
import time
from collections import Counter

from flows.local.stack import local_stack

BUCKET, PREFIX = "pokelake-demo", "lake"

SHOWN_TABLES = 15

QUERY = """\
lake = Lake("s3://pokelake-demo/lake")
pokemon = pd.read_parquet(lake.path("pokemon"), filters=[("generation", "==", 1)])
stats = lake.read("pokemon_stats", filters=[("generation", "==", 1), ("stat_id", "==", 6)])
fastest = pokemon.merge(stats[["pokemon_id", "base_stat"]]).nlargest(3, "base_stat")
answer = fastest[["pokemon_id", "name", "height_dm", "base_stat"]]"""


def run(corpus: str, source: str | None) -> None:
    """Start the stack, refresh twice, query in between, say where everything lies, and stop."""
    # A signal that ends the demo must end the processes that it started as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parts = "S3 (moto) and a Prefect server" if source else "S3 (moto), a PokeAPI replica and a Prefect server"
    print(f"Pokélake: starting {parts} on this machine …", flush=True)
    with local_stack(None if source else corpus, lambda line: print(f"  {line}", flush=True)) as stack:
        os.environ.update(stack.environment)
        _show(source or stack.replica or "")
    print("\nEverything is stopped; nothing is left behind.")


def _show(source: str) -> None:
    # Prefect reads its settings when it is imported, so it is imported after the stack's environment is set.
    from flows.deploy.setup import setup
    from flows.steps.parameters import SourceChoice
    from lake.cli.show import draw
    from lake.read import Lake
    from lake.source import Source
    from lake.store import Store

    store = Store(BUCKET, PREFIX)
    store.create_bucket()
    setup(BUCKET, PREFIX, SourceChoice(base_url=source).over(Source()))

    print(f"\n1. Refresh: crawl {source}, keep the documents, build the tables, publish one snapshot", flush=True)
    _refresh()

    lake = Lake(store)
    print("\n2. What there is now\n")
    listed = lake.tables()
    tables = listed[listed["kind"] == "table"].drop(columns=["kind", "grain"])
    draw(tables.nlargest(SHOWN_TABLES, "rows"))
    print(f"   and {len(tables) - SHOWN_TABLES} more, down to tables of a single row\n")

    print(f"3. Ask it something, with plain pandas\n\n{_indented(QUERY)}\n")
    names: dict[str, object] = {}
    exec(f"import pandas as pd\nfrom lake import Lake\n{QUERY}", names)
    print(_indented(names["answer"].to_string(index=False)))  # type: ignore[attr-defined]

    print(f"\n4. Where it lies, below {store.uri()}\n")
    folders: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for item in store.list(""):
        folder = item.key.split("/")[0] + "/"
        folders[folder] += 1
        sizes[folder] += item.size
    for folder in sorted(folders):
        objects = "object" if folders[folder] == 1 else "objects"
        print(f"   {folder:12} {folders[folder]:5,} {objects:7} {sizes[folder]:12,} bytes")

    print("\n5. Refresh again: nothing has changed upstream", flush=True)
    _refresh()


def _refresh() -> None:
    from flows.refresh import refresh
    from flows.steps.outcome import spoken

    started = time.monotonic()
    state = refresh(return_state=True)
    if state.is_failed() or state.is_crashed():
        state.result()
    word, message = spoken(state)
    print(f"   {word} in {time.monotonic() - started:.1f} s: {message}", flush=True)


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())
