"""The report on a snapshot: right for the first one, for a change, and for what an API may say."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.local.replica import demo_documents
from flows.report import ROWS_A_SECTION, compare_tables, lines, report
from flows.steps.parameters import LakeLocation
from lake.commit import Commit, DataFile, SourceFacts, TableFiles
from lake.errors import LakeError, UnknownNameError
from lake.layout import commit_key, report_key
from lake.resource import Failure
from tests.flows.lakeside import error_of
from tests.hostile import ODD, unseen
from tests.lake.assemble.lakeside import Lakeside, changed, copied, lakeside, only

COMMIT = Commit(
    seq=1,
    snapshot="20260808T041200Z-1f3a9c02",
    parent=None,
    committed_at="2026-08-08T04:13:05+00:00",
    tables={},
    source=SourceFacts(base_url="https://pokeapi.co/api/v2/"),
    run={},
    fingerprint="",
)


@dataclass(frozen=True)
class Reported:
    """A lake of two snapshots, which no test changes for good."""

    lake: Lakeside
    first: Commit
    second: Commit

    def report(self, snapshot: str | None = None, prefix: str = "pokelake", anew: bool = False) -> State[Any]:
        """Report on a snapshot, the current one unless told otherwise."""
        return report(LakeLocation(bucket=self.lake.store.bucket, prefix=prefix), snapshot, anew, return_state=True)


@pytest.fixture(scope="module")
def reported(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Reported]:
    """Fill a lake; then two Pokémon change, one of which cannot be fetched, and a new one has a field more."""
    documents = only(demo_documents(), "pokemon")
    with lakeside(s3_endpoint, "reported") as lake:
        first = lake.fill(documents)
        later = changed(changed(documents, "pokemon/25", height=5), "pokemon/132", height=9)
        later = copied(later, "pokemon/132", 1_000_132, name="other-ditto", mood="happy")
        yield Reported(lake, first, lake.fill(later, failing={"pokemon/132"}))


def artifact(key: str) -> Any:
    """Return the data of the newest artifact with this key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), sort=ArtifactSort.CREATED_DESC, limit=1
        )
    return found[0].data


def tables() -> dict[str, dict[str, Any]]:
    return {row["table"]: row for row in json.loads(artifact("pokelake-tables"))}


def text(commit: Commit) -> list[str]:
    """Return the report on a commit without tables, as lines."""
    return list(lines(commit, None, [], "s3://lake/x"))


def test_the_first_snapshot_is_compared_with_nothing(reported: Reported):
    """By its name, for the next one may be published before the report on it begins."""
    first = reported.first
    state = reported.report(first.snapshot)
    assert (state.name, first.snapshot in state.message) == ("Completed", True)
    said = artifact("pokelake-report")
    assert said.startswith(f"# Snapshot {first.snapshot}\n")
    assert "as commit 1, the first one." in said
    assert f"](s3://reported/pokelake/snapshots/{first.snapshot}/)" in said
    assert "grew or shrank" not in said
    assert tables()["pokemon"] == {
        "table": "pokemon",
        "rows": first.tables["pokemon"].rows,
        "change in rows": None,
        "bytes": first.tables["pokemon"].bytes,
        "change in bytes": None,
        "files": len(first.tables["pokemon"].files),
    }
    assert tables().keys() == first.tables.keys()


def test_the_current_snapshot_is_compared_with_its_parent(reported: Reported):
    reported.report()
    said = artifact("pokelake-report").splitlines()
    assert any(line.endswith(f"as commit 2, after {reported.first.snapshot}.") for line in said)
    assert "| pokemon | 1 | 1 | 0 | 0 |" in said
    assert any(line.startswith("| pokemon/132 | kept from before |") for line in said)
    assert any(line.startswith("| warn | new-field | pokemon |") and "mood" in line for line in said)
    assert any(line.startswith(f"| pokemon | {reported.second.tables['pokemon'].rows} | +1 |") for line in said)
    grown = {name: row["change in rows"] for name, row in tables().items()}
    assert (grown["pokemon"], grown["documents"], grown["pokemon_past_types"]) == (1, 1, 0)


def test_the_page_of_a_snapshot_is_made_once_and_linked_from_each_run(reported: Reported):
    """The link leads to the page, as whoever may read the bucket opens it."""
    store, key = reported.lake.store, report_key(reported.first.snapshot)
    # Another test may have made it.
    store.delete([key])
    assert reported.report(reported.first.snapshot).message.endswith(f"; its page is {store.uri(key)}")
    page = store.get(key)
    assert page.startswith(b"<!doctype html>")
    assert reported.first.snapshot.encode() in page
    assert reported.report(reported.first.snapshot).message.endswith("; its page was there already")
    link = artifact("pokelake-page")
    assert f"({store.page(key)})" in link
    assert f"The page of snapshot {reported.first.snapshot}" in link
    store.delete([key])
    store.create(key, b"made by earlier code")
    reported.report(reported.first.snapshot)
    assert store.get(key) == b"made by earlier code"
    state = reported.report(reported.first.snapshot, anew=True)
    assert state.message.endswith(f"; its page is {store.uri(key)}")
    assert store.get(key) == page


def test_a_snapshot_whose_parent_is_forgotten_is_reported_without_comparison(reported: Reported):
    store, key = reported.lake.store, commit_key(1)
    forgotten = store.get(key)
    store.delete([key])
    try:
        assert reported.report().name == "Completed"
    finally:
        store.create(key, forgotten)
    assert f"after {reported.first.snapshot}, which is forgotten" in artifact("pokelake-report")
    assert tables()["pokemon"]["change in rows"] is None


def test_an_unknown_snapshot_is_answered_with_those_that_exist(reported: Reported):
    error = error_of(reported.report("20260101T000000Z-00000000"), UnknownNameError)
    assert reported.second.snapshot in str(error)


def test_an_empty_lake_is_named(reported: Reported):
    assert "nothing was ever published here" in str(error_of(reported.report(prefix="empty"), LakeError))


def test_a_table_that_is_gone_has_lost_its_rows():
    files = TableFiles(None, (DataFile("part-0.parquet", None, 7, 100, "0" * 64),), ())
    before = replace(COMMIT, tables={"berries": files})
    [row] = compare_tables(replace(COMMIT, seq=2, parent=before.snapshot), before)
    assert (row["rows"], row["change in rows"], row["change in bytes"]) == (0, -7, -100)


def test_what_an_api_says_is_shown_as_text():
    """A name with a bar, a line break or a tag must not become another column, another row or a script."""
    message = "1 renamed: 25 pikachu -> a|b\n| x\n<script>[y](z)"
    said = text(replace(COMMIT, audits=({"level": "warn", "rule": "renamed", "subject": "x", "message": message},)))
    [line] = [line for line in said if "renamed: 25" in line]
    assert line.count(" | ") == 3
    assert "\\| x &lt;script&gt;\\[y\\](z) |" in line


@pytest.mark.parametrize("odd", [*ODD, " ".join(ODD), "x" * 1_000_000])
def test_odd_text_is_text_wherever_a_report_has_it(odd: str):
    """A reader of Markdown finds one link in the report, the snapshot's own, and no more rows than there are facts."""
    failure = Failure("item", 1, odd, odd)
    said = lines(
        replace(
            COMMIT,
            parent=odd,
            committed_at=odd,
            run={"code_version": odd},
            source=SourceFacts(base_url=odd, version=odd),
            changes={odd: {"added": 1}},
            stale=(failure,),
            missing=(failure,),
            audits=(dict.fromkeys(("level", "rule", "subject", "message"), odd),),
        ),
        None,
        [],
        "s3://lake/x",
    )
    source = "\n".join(said)
    assert unseen(source) == set()
    assert len(source) < 20_000
    assert not re.search(r"https?:|www\.[a-z]", source)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source)
    kinds = [token.type for token in [*tokens, *(inner for token in tokens for inner in token.children or ())]]
    allowed = r"(heading|bullet_list|list_item|paragraph|table|thead|tbody|tr|th|td|link)_(open|close)|inline|text"
    assert {kind for kind in kinds if not re.fullmatch(allowed, kind)} == set()
    assert (kinds.count("link_open"), kinds.count("tr_open")) == (1, 3 + 1 + 2 + 1)


def test_a_long_list_is_cut_and_says_so():
    missing = tuple(Failure("item", n, f"item/{n}", "404") for n in range(ROWS_A_SECTION + 5))
    said = text(replace(COMMIT, missing=missing))
    assert sum(line.startswith("| item/") for line in said) == ROWS_A_SECTION
    assert said[-1] == "and 5 more"
    # To say that there is one more takes as many lines as that one.
    said = text(replace(COMMIT, missing=missing[: ROWS_A_SECTION + 1]))
    assert said[-1].startswith(f"| item/{ROWS_A_SECTION} |")


def test_sections_without_content_are_left_out():
    assert not [line for line in text(replace(COMMIT, changes={"item": {"added": 0}})) if line.startswith("## ")]
