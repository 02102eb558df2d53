"""The answers of ``docs/cookbook.md``, from a lake of the demo's corpus, in which some moves were others before."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd

from flows.local.replica import demo_documents
from lake.publish import commit_snapshot
from lake.read import Lake
from tests.docs import REPOSITORY
from tests.lake.assemble.lakeside import Lakeside, changed, lakeside
from tests.lake.read import COMMITTED, FIRST, SECOND
from tests.s3 import without_sockets

PAGE = REPOSITORY / "docs/cookbook.md"

# Nobody listens there: what asks is answered in this process.
_NOWHERE = "http://127.0.0.1:9"

# A query and the answer below it.
RECIPE = re.compile(r"```python\n(?P<query>[^`]+)\n```\n\n```text\n(?P<answer>[^`]*)```")


def cookbook() -> str:
    """Return the page with every answer as a lake gives it."""
    with _lake() as lake:
        return RECIPE.sub(lambda found: _answered(lake, found["query"]), PAGE.read_text())


def _answered(lake: Lake, query: str) -> str:
    answer = eval(query, {"lake": lake, "pd": pd})
    with pd.option_context("display.max_colwidth", None):
        said = answer.to_string(index=False) if isinstance(answer, pd.DataFrame) else str(answer)
    lines = "".join(f"{line.rstrip()}\n" for line in said.splitlines())
    return f"```python\n{query}\n```\n\n```text\n{lines}```"


def fill(side: Lakeside) -> None:
    """Publish two snapshots in an empty lake; in the first, Tackle and Vine Whip were what they once were."""
    today = demo_documents()
    before = changed(today, "move/33", power=35, accuracy=95)
    before = changed(before, "move/22", power=35)
    for name, documents, *resources in ((FIRST, before), (SECOND, today, "move")):
        draft = side.draft(side.crawl(documents, *resources), name=name)
        assert draft is not None
        commit_snapshot(side.store, replace(draft.commit, committed_at=COMMITTED[name]))


@contextmanager
def _lake() -> Iterator[Lake]:
    with without_sockets(_NOWHERE), lakeside(_NOWHERE, "cookbook") as side:
        fill(side)
        yield side.lake
