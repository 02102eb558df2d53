"""``pokelake demo``: the whole product on one machine in about a minute, told step by step."""

import atexit
import gc
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from flows.local.around import look_around
from flows.local.past import serve_present, unpack_past
from flows.local.stack import Stack, local_stack

if TYPE_CHECKING:
    from lake.read import Lake
    from lake.store import Store

BUCKET, PREFIX = "pokelake-demo", "lake"

SHOWN_TABLES = 12

# Columns of a terminal.
WIDTH = 80

# The page of the last snapshot, in the folder in which the demo is called.
PAGE = Path("pokelake-demo.html")

QUERY = """\
lake = Lake("s3://pokelake-demo/lake")
asked = [("generation", "==", 1), ("is_default", "==", True)]
pokemon = lake.read("pokemon_wide", asked, ["name", "speed", "total"])
answer = pokemon.nlargest(3, "speed")"""

CHANGES = """\
before = lake.snapshots()["snapshot"].iloc[-1]
changed = lake.diff("moves", before)
answer = changed[["name", "power_before", "power"]]"""


def run(corpus: str, source: str | None) -> None:
    """Start the stack, refresh three times, query in between, say where everything lies, and stop.

    Of the built-in corpus, the source serves an earlier state at first.
    """
    # A signal that ends the demo must end the processes that it started as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parts = "S3 (moto) and Prefect" if source else "S3 (moto), a PokeAPI replica and Prefect"
    _say(f"Pokélake: starting {parts} on this machine …")
    with (
        _served(corpus) as served,
        local_stack(None if source else served, lambda line: _say(f"  {line}")) as stack,
    ):
        os.environ.update(stack.environment)
        _show(stack, source or stack.replica or "", has_past=served != corpus and source is None)
    _say(f"\nEverything is stopped; nothing is left behind{f' but {PAGE}' if PAGE.exists() else ''}.")


@contextmanager
def _served(corpus: str) -> Iterator[str]:
    """Yield the corpus that the replica serves first: of the built-in one, a folder with an earlier state."""
    if corpus != "demo":
        yield corpus
        return
    with tempfile.TemporaryDirectory(prefix="pokelake-", ignore_cleanup_errors=True) as folder:
        unpack_past(Path(folder))
        yield folder


def _show(stack: Stack, source: str, has_past: bool) -> None:
    # Flows leave what was loaded before them out of all searches for garbage; DuckDB complains of what is left.
    atexit.register(gc.unfreeze)
    # Prefect reads its settings when it is imported, so it is imported after the stack's environment is set.
    from flows.deploy.setup import setup
    from flows.steps.parameters import SourceChoice
    from lake.read import Lake
    from lake.source import Source
    from lake.store import Store

    store = Store(BUCKET, PREFIX)
    store.create_bucket()
    setup(BUCKET, PREFIX, SourceChoice(base_url=source).over(Source()))

    _say(f"\n1. Refresh: crawl {source}, keep the documents, build the tables, publish one snapshot")
    _refresh()

    lake = Lake(store)
    first = lake.commit().snapshot
    _say("\n2. What there is now\n")
    _show_tables(lake)

    _say("\n3. Ask it something: the fastest of generation 1, without Mega Evolutions\n")
    names: dict[str, object] = {}
    _ask(QUERY, names)

    _say("\n4. Refresh again: nothing has changed upstream")
    _refresh()

    if has_past:
        assert stack.replica is not None
        serve_present(stack.replica)
        _say("\n5. Refresh once more: upstream, two moves have become stronger")
        _refresh()
        _say("")
        _ask(CHANGES, names)

    _say(f"\n6. Where it lies, below {store.uri()}\n")
    _show_folders(store)
    _say("")
    _write_page(lake)
    look_around(stack.environment, BUCKET, PREFIX, first if has_past else None)


def _show_tables(lake: "Lake") -> None:
    listed = lake.tables()
    tables = listed[listed["kind"] == "table"].nlargest(SHOWN_TABLES, "rows")[["table", "rows", "bytes", "partitions"]]
    numbers = dict.fromkeys(("rows", "bytes"), "{:,}".format)
    _say(_indented(tables.to_string(index=False, formatters=numbers)))
    left = (listed["kind"] == "table").sum() - SHOWN_TABLES
    _say(f"   and {left} more, down to tables of a single row, and {(listed['kind'] != 'table').sum()} ready views")


def _ask(query: str, names: dict[str, object]) -> None:
    """Print a query and its answer; `names` are those of the queries before."""
    exec(f"from lake import Lake\n{query}", names)
    _say(f"{_indented(query)}\n\n{_indented(names['answer'].to_string(index=False))}")  # type: ignore[attr-defined]


def _show_folders(store: "Store") -> None:
    folders: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for item in store.list(""):
        folder = item.key.split("/")[0] + "/"
        folders[folder] += 1
        sizes[folder] += item.size
    for folder in sorted(folders):
        objects = "object" if folders[folder] == 1 else "objects"
        _say(f"   {folder:12} {folders[folder]:5,} {objects:7} {sizes[folder]:12,} bytes")


def _write_page(lake: "Lake") -> None:
    """Write the page of the current snapshot into this folder, or say why that cannot be."""
    from lake.report import make_page

    _, page = make_page(lake)
    try:
        PAGE.write_bytes(page)
    except OSError as error:
        _say(f"   its page cannot be written here: {PAGE}: {error.strerror}")
    else:
        _say(f"   and as a page, with pictures, in {PAGE}: open it in a browser")


def _refresh() -> None:
    from flows.refresh import refresh
    from flows.steps.outcome import spoken

    started = time.monotonic()
    state = refresh(return_state=True)
    if state.is_failed() or state.is_crashed():
        state.result()
    word, message = spoken(state)
    _say(f"   {word} in {time.monotonic() - started:.1f} s: {message}")


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())


def _say(text: str) -> None:
    """Print a text; a line of words that is too long for a terminal goes on below, indented."""
    for line in text.split("\n"):
        folded = fill(line, WIDTH, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)
        print(folded if len(line) > WIDTH else line, flush=True)
