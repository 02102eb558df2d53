"""The whole flow, from HTTP to Parquet, under a real Prefect server: one lake that is refreshed again and again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from prefect_aws import S3Bucket

from flows.steps.events import LAKE_CURRENT
from lake.errors import SourceError, StoreError
from lake.layout import CHECKS, RESULTS, SNAPSHOTS, STAGING
from tests.flows.chain import Chain, Step, chain
from tests.flows.lakeside import error_of, events
from tests.flows.refreshed import FAILED, FIRST, RUBBISH, refresh_again_and_again, refuse, second
from tests.lake.assemble.lakeside import audits, versioned, without

SINCE = datetime.now(UTC)


@pytest.fixture(scope="module")
def mark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name a file that a bomb would write."""
    return tmp_path_factory.mktemp("bomb") / "ran"


@pytest.fixture(scope="module")
def told(prefect_server: dict[str, str], s3_endpoint: str, mark: Path) -> Iterator[Chain]:
    with chain(s3_endpoint, "refreshed", versioned(FIRST)) as one, pytest.MonkeyPatch.context() as patch:
        refresh_again_and_again(one, mark, patch)
        yield one


def sent(step: Step) -> set[str]:
    """Return the documents that came whole in a run."""
    by_path = step.counters["by_path"]
    return {path for path in FIRST if "200" in by_path.get(path, ()) and path != "meta"}


def checks(step: Step) -> int:
    return sum(key.startswith(CHECKS) for key in step.keys)


def states(told: Chain) -> dict[str, str | None]:
    return {name: step.name for name, step in told.steps.items()}


def test_each_run_ends_in_the_state_that_says_what_came_of_it(told: Chain):
    assert states(told) == {
        "first": "Completed",
        "known": "Unchanged",
        "rubbish": "Partial",
        "again": "Completed",
        "failed": "Failed",
        "down": "Failed",
        "refusing": "Failed",
        "resumed": "Completed",
        "meta": "Unchanged",
        "equal": "Unchanged",
        "lies": "Partial",
        "refused": "Partial",
        "vanished": "Unchanged",
        "let go": "Completed",
        "other code": "Unchanged",
        "other code again": "Unchanged",
        "nameless": "Unchanged",
        "nameless again": "Unchanged",
        "shrunk": "Unchanged",
        "shrunk without a word": "Partial",
    }
    published = ["first", "rubbish", "again", "resumed", "lies", "refused", "let go"]
    seqs = {name: step.commit.seq for name, step in told.steps.items()}
    assert [name for name, before in zip(seqs, [0, *seqs.values()], strict=False) if seqs[name] > before] == published


def test_every_document_lands_byte_for_byte(told: Chain):
    rows = told.lake.read("documents", as_of=told["first"].commit.snapshot)
    found = dict(zip(rows["path"], rows["body"], strict=True))
    assert found == {path: told.served(versioned(FIRST), path) for path in FIRST}
    expected = f"{len(FIRST)} documents added, 0 documents modified, 0 documents deleted"
    assert told["first"].message == f"published {told['first'].commit.snapshot}: {expected}"


def test_plain_pandas_reads_a_partition_of_what_was_published(told: Chain):
    path = told.lake.path("pokemon", as_of=told["first"].commit.snapshot)
    frame = pd.read_parquet(path, filters=[("generation", "==", 0)])
    assert set(frame["pokemon_id"]) == {25, 132, 10100}
    assert frame["sort_order"].dtype == "Int32"


def test_no_more_connections_are_open_than_the_source_allows_and_each_says_who_calls(told: Chain):
    assert 1 < told["first"].counters["peak_concurrency"] <= 3
    assert told["first"].counters["user_agents"] == ["our-lake (data@example.org)"]


def test_shard_results_lie_in_s3_as_json(told: Chain):
    kept = [told.store.get(key) for key in told["first"].keys if key.startswith(f"{RESULTS}shards/")]
    [manifest] = [one for body in kept for one in json.loads(json.loads(body)["result"]) if one["resource"] == "type"]
    assert manifest["documents"] == 18
    assert manifest["key"].startswith(STAGING)
    assert manifest["key"] in told["first"].keys


def test_a_version_that_is_known_costs_two_requests_and_writes_nothing(told: Chain):
    for name, before in (("known", "first"), ("equal", "meta"), ("other code again", "other code")):
        assert told[name].counters["requests"] == 2, name
        assert told[name].keys == told[before].keys, name
        version = told[name].message.removeprefix("upstream is still at ").split(";")[0]
        assert told[name].message == f"upstream is still at {version}; readers see {told[name].commit.snapshot}"


def test_only_what_changed_is_sent(told: Chain):
    assert sent(told["again"]) == set(RUBBISH)
    assert sent(told["rubbish"]) - set(RUBBISH) == {"pokemon/25"}


def test_a_document_answered_with_rubbish_keeps_its_last_good_version_and_is_named(told: Chain):
    step = told["rubbish"]
    assert {failure.path for failure in step.commit.stale} == set(RUBBISH)
    assert step.commit.missing == ()
    assert "6 could not be fetched (6 kept from before, 0 missing): " in step.message
    assert set(step.message.rsplit(": ", 1)[1].split(", ")) == set(RUBBISH)
    rows = told.lake.read("documents", as_of=step.commit.snapshot).set_index("path")["body"]
    for path in RUBBISH:
        assert rows[path] == told.served(FIRST, path)
    assert rows["pokemon/25"] == told.served(second(), "pokemon/25")


def test_what_was_stale_is_asked_for_again_although_the_version_is_known(told: Chain):
    assert told["again"].commit.stale == ()
    rows = told.lake.read("documents", as_of=told["again"].commit.snapshot).set_index("path")["body"]
    for path in RUBBISH:
        assert rows[path] == told.served(second(), path)


def test_too_many_collections_that_fail_end_the_run_and_readers_see_what_they_saw(told: Chain):
    error = str(error_of(told["failed"].ended, SourceError))
    assert "3 of 8 collections failed; nothing was published" in error
    assert "of 71 documents could not be fetched" in error
    assert "(status 500)" in error
    assert told["failed"].commit == told["again"].commit


@pytest.mark.parametrize(
    ("name", "why"), [("down", "status 503"), ("refusing", "http://127.0.0.1:9/api/v2/: could not be reached")]
)
def test_a_source_that_is_down_is_hardly_asked_and_nothing_is_lost(told: Chain, name: str, why: str):
    step, error = told[name], error_of(told[name].ended, SourceError)
    assert (why in str(error), error.may_pass) == (True, True)
    assert step.counters["requests"] <= 4
    assert (step.commit, step.keys) == (told["failed"].commit, told["failed"].keys)


def test_after_failed_runs_only_what_failed_is_damaged_poisoned_or_a_day_old_is_asked_again(told: Chain, mark: Path):
    spoilt = {path for path in FIRST if path.startswith(("type/", "nature/", "berry/", "egg-group/"))}
    asked = {path for path in told["resumed"].asked if path in FIRST}
    assert asked == {*FAILED, *spoilt}
    assert not mark.exists()
    # The other documents of the damaged shard are as they were.
    assert sent(told["resumed"]) == {"type/1"}
    assert told["resumed"].commit.changes["type"]["modified"] == 1
    assert told["resumed"].commit.changes["ability"]["modified"] == 1


def test_another_version_of_the_same_documents_publishes_nothing_and_is_on_record(told: Chain):
    assert told["meta"].message == f"every file is unchanged; readers see {told['meta'].commit.snapshot}"
    snapshots = [{key for key in told[name].keys if key.startswith(SNAPSHOTS)} for name in ("resumed", "meta")]
    assert snapshots[0] == snapshots[1]
    assert (checks(told["resumed"]), checks(told["meta"]), checks(told["equal"])) == (0, 1, 1)


@pytest.mark.parametrize(("name", "resource"), [("lies", "type"), ("shrunk without a word", "pokemon")])
def test_a_listing_that_does_not_add_up_is_no_deletion(told: Chain, name: str, resource: str):
    assert f" not crawled, and kept as before: {resource} (listing of {resource}: expected " in told[name].message
    assert told[name].commit.changes.get(resource, {}).get("deleted", 0) == 0


def test_a_collection_that_cannot_be_crawled_is_kept_and_the_rest_published_with_the_reason(told: Chain):
    commit = told["lies"].commit
    assert {name for name, counts in commit.changes.items() if counts["modified"]} == {"nature", "meta"}
    assert list(commit.source.refused) == ["type"]
    assert ("refused-listing", "type") in audits(commit)
    names = told.lake.read("types", as_of=commit.snapshot).set_index("type_id")["name"]
    assert (names[1], len(names)) == ("third", 18)
    assert told["lies"].message.startswith(f"published {commit.snapshot}: ")


def test_a_listing_that_is_refused_is_named_and_its_version_is_not_on_record(told: Chain):
    """Nobody knows what has become of its documents."""
    assert "; 1 collection not crawled, and kept as before: berry (listing of berry: " in told["refused"].message
    assert checks(told["refused"]) == checks(told["lies"]) == 1


def test_what_vanished_is_named_and_can_be_let_go_although_the_version_is_known(told: Chain):
    assert "; not listed any longer: berry; readers see" in told["vanished"].message
    assert checks(told["vanished"]) == 2
    let_go = told["let go"].commit
    assert (let_go.parent, let_go.changes["berry"]["deleted"]) == (told["refused"].commit.snapshot, 1)
    assert len(told.lake.read("berries")) == 0


def test_other_code_that_builds_the_same_publishes_nothing_and_is_on_record(told: Chain):
    assert told["other code"].message.startswith("every file is unchanged")
    assert checks(told["other code"]) == checks(told["let go"]) + 1


def test_without_a_version_every_document_is_asked_for_and_none_sent_again(told: Chain):
    documents = without(FIRST, "berry/", "meta")
    for name in ("nameless", "nameless again"):
        assert told[name].counters["by_status"]["304"] == len(documents), name
        assert set(told[name].asked) >= set(documents), name
        assert checks(told[name]) == checks(told["other code"])
    published = [{key for key in told[name].keys if key.startswith(SNAPSHOTS)} for name in ("let go", "nameless again")]
    assert published[0] == published[1]


def test_a_document_that_is_unlisted_but_still_there_stays(told: Chain):
    assert told["shrunk"].counters["by_status"]["200"] > told["nameless"].counters["by_status"]["200"]
    assert len(told.lake.read("types")) == 18


def test_each_refresh_that_ends_well_says_what_is_current(told: Chain):
    """Whether it published or not: else the alarm would go off in every week in which nothing changes upstream."""
    expected = [step.commit.snapshot for step in told.steps.values() if step.name != "Failed"]
    found = events(LAKE_CURRENT, "pokelake.lake.s3://refreshed/pokelake/", SINCE, len(expected))
    assert [payload["snapshot"] for payload in found] == expected


def test_results_that_cannot_be_written_stop_a_crawl_before_it_begins(told: Chain, monkeypatch: pytest.MonkeyPatch):
    """Prefect itself would go on, and lose every resume point."""
    monkeypatch.setattr(S3Bucket, "write_path", refuse)
    told.running.reset()
    assert "results block" in str(error_of(told.refresh(), StoreError))
    assert set(told.running.counters()["by_path"]) <= {"", "meta"}
