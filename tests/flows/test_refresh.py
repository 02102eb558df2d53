"""The whole flow, from HTTP to Parquet, under a real Prefect server."""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from prefect.client.schemas import State

from flows.local.replica import Running
from lake.commit import Commit
from lake.errors import PublishError, SourceError, StoreError, UnknownNameError
from lake.layout import RESULTS, SNAPSHOTS, STAGING
from lake.read import Lake
from lake.store import Store
from tests.flows.conftest import Fill, core_paths
from tests.flows.lakeside import Documents, changed, current, error_of, overtake, release, served, without_meta
from tests.lake import keys

Refresh = Callable[..., State[Any]]


def test_every_document_lands_byte_for_byte(run_refresh: Refresh, store: Store, documents: Documents, running: Running):
    assert run_refresh().name == "Completed"
    rows = Lake(store).read("documents")
    assert set(rows["path"]) == core_paths(documents)
    for row in rows.itertuples():
        assert row.body == served(documents, running, row.path)


def test_plain_pandas_reads_a_partition_of_what_was_published(fill: Fill, store: Store):
    fill("pokemon", "pokemon-species")
    frame = pd.read_parquet(Lake(store).path("pokemon"), filters=[("generation", "==", 1)])
    assert {25, 26, 10100} <= set(frame["pokemon_id"])
    assert set(frame["generation_id"]) == {1}
    assert frame["sort_order"].dtype == "Int32"


def test_a_version_that_is_known_costs_two_requests_and_writes_nothing(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running
):
    fill("pokemon")
    before = keys(store)
    running.reset()
    state = run_refresh(resources=("pokemon",))
    assert state.name == "Unchanged"
    assert running.counters()["requests"] == 2
    assert keys(store) == before


def test_without_a_version_every_document_is_asked_for_and_none_sent_again(
    run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    crawled = ("pokemon", "type")
    release(running, without_meta(documents))
    run_refresh(resources=crawled)
    published = keys(store, SNAPSHOTS)
    for _ in range(2):
        running.reset()
        assert run_refresh(resources=crawled).name == "Unchanged"
        assert running.counters()["by_status"]["304"] == len(core_paths(documents, crawled))
    assert keys(store, SNAPSHOTS) == published
    assert current(store).seq == 1


def test_only_what_changed_is_sent_and_the_old_snapshot_stays(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    crawled = ("pokemon", "type")
    fill(*crawled)
    old = current(store)
    release(running, changed(documents, "pokemon/25", height=5))
    running.reset()
    run_refresh(resources=crawled)
    statuses = running.counters()["by_path"]
    sent = {path for path, counts in statuses.items() if path.count("/") == 1 and "200" in counts}
    assert sent == {"pokemon/25"}
    new = current(store)
    assert (new.seq, new.parent) == (2, old.snapshot)
    assert new.changes["pokemon"] == {"added": 0, "modified": 1, "deleted": 0, "reordered": 0}
    lake, pikachu = Lake(store), [("pokemon_id", "==", 25)]
    assert lake.read("pokemon", pikachu)["height_dm"].tolist() == [5]
    assert lake.read("pokemon", pikachu, as_of=old.snapshot)["height_dm"].tolist() == [4]


def test_a_crawl_repeated_gives_the_same_bytes(fill: Fill, run_refresh: Refresh, store: Store):
    """Only the time of receipt tells two first crawls apart, so the typed tables must not differ."""
    crawled = ("pokemon", "pokemon-species")
    fill(*crawled)
    first = current(store)
    store.delete(keys(store))
    run_refresh(resources=crawled)
    second = current(store)

    def hashes(commit: Commit) -> dict[str, str]:
        return {f"{n}/{f.name}": f.sha256 for n, t in commit.tables.items() for f in t.files if n != "documents"}

    assert hashes(first) == hashes(second)


@pytest.mark.parametrize("kind", ["invalid_json", "html", "wrong_id", "reset", "truncated", "content_type"])
def test_a_document_answered_with_rubbish_keeps_its_last_good_version(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents, kind: str
):
    fill("pokemon")
    later = changed(changed(documents, "pokemon/25", height=5), "pokemon/26", height=9)
    release(running, later)
    running.faults([{"kind": kind, "path": "^pokemon/25$"}])
    state = run_refresh(resources=("pokemon",))
    assert state.name == "Partial"
    assert "pokemon/25" in state.message
    assert [failure.path for failure in current(store).stale] == ["pokemon/25"]
    heights = Lake(store).read("pokemon").set_index("pokemon_id")["height_dm"]
    assert (heights[25], heights[26]) == (4, 9)


def test_what_was_stale_is_asked_for_again_although_the_version_is_known(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    release(running, changed(documents, "pokemon/25", height=5))
    running.faults([{"kind": "status", "status": 503, "path": "^pokemon/25$"}])
    run_refresh(resources=("pokemon",))
    running.faults([])
    assert run_refresh(resources=("pokemon",)).name == "Completed"
    assert current(store).stale == ()
    assert Lake(store).read("pokemon", [("pokemon_id", "==", 25)])["height_dm"].tolist() == [5]


def test_too_many_failures_end_the_run_and_readers_see_what_they_saw(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    before = current(store)
    release(running, changed(documents, "pokemon/25", height=5))
    running.faults([{"kind": "status", "status": 500, "path": "^pokemon/1"}])
    error = error_of(run_refresh(resources=("pokemon",)), SourceError)
    assert "documents of pokemon could not be fetched" in str(error)
    assert "pokemon/1 (status 500)" in str(error)
    assert current(store) == before


def test_after_a_failed_run_only_what_failed_is_asked_for_again(
    run_refresh: Refresh, running: Running, documents: Documents
):
    crawled = ("ability", "pokemon", "type")
    running.faults([{"kind": "status", "status": 500, "path": "^pokemon/1"}])
    error_of(run_refresh(resources=crawled), SourceError)
    failed = {path for path in core_paths(documents) if path.startswith("pokemon/1")}
    running.faults([])
    running.reset()
    assert run_refresh(resources=crawled).name == "Completed"
    asked = {path for path in running.counters()["by_path"] if path in core_paths(documents)}
    assert asked == failed


@pytest.mark.parametrize("kind", ["listing_short", "listing_lie"])
def test_a_listing_that_does_not_add_up_is_no_deletion(run_refresh: Refresh, store: Store, running: Running, kind: str):
    running.faults([{"kind": "status", "status": 404, "path": "^meta$"}])
    run_refresh(resources=("pokemon",))
    before = current(store)
    running.faults([{"kind": kind, "path": "^pokemon$"}, {"kind": "status", "status": 404, "path": "^meta$"}])
    assert "listing of pokemon" in str(error_of(run_refresh(resources=("pokemon",)), SourceError))
    assert current(store) == before


def test_a_document_that_is_unlisted_and_not_found_is_deleted(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    release(running, {p: b for p, b in documents.items() if p != "pokemon/132"})
    run_refresh(resources=("pokemon",))
    assert current(store).changes["pokemon"]["deleted"] == 1
    assert 132 not in set(Lake(store).read("pokemon")["pokemon_id"])
    assert 132 not in set(Lake(store).read("documents", [("resource", "==", "pokemon")])["id"])


def test_a_document_that_is_unlisted_but_still_there_stays(
    run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    release(running, without_meta(documents))
    run_refresh(resources=("pokemon",))
    running.faults([{"kind": "listing_shrunk", "path": "^pokemon$", "entries": 3}])
    assert run_refresh(resources=("pokemon",)).name == "Unchanged"
    assert len(Lake(store).read("pokemon")) == 70


def test_a_mass_deletion_is_held_back_until_it_is_allowed(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    before = current(store)
    kept = {p: b for p, b in documents.items() if not p.startswith("pokemon/1")}
    release(running, kept)
    error = error_of(run_refresh(resources=("pokemon",)), PublishError)
    assert "pass --allow-shrink pokemon" in str(error)
    assert current(store) == before
    assert {key.split("/")[1] for key in keys(store, SNAPSHOTS)} == {before.snapshot}
    assert run_refresh(("pokemon",), resources=("pokemon",)).name == "Completed"
    assert not any(path.startswith("pokemon/1") for path in Lake(store).read("documents")["path"])


def test_resources_that_a_run_leaves_out_stay_in_the_snapshot(
    fill: Fill, run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    fill("pokemon", "type")
    release(running, changed(documents, "pokemon/25", height=5))
    run_refresh(resources=("pokemon",))
    assert current(store).seq == 2
    assert len(Lake(store).read("types")) == 18


def test_the_loser_of_a_race_takes_its_documents_to_the_new_head(
    fill: Fill,
    run_refresh: Refresh,
    store: Store,
    running: Running,
    documents: Documents,
    monkeypatch: pytest.MonkeyPatch,
):
    fill("pokemon")

    def rival() -> None:
        release(running, changed(documents, "type/1", name="rival"))
        assert run_refresh(resources=("type",)).name == "Completed"

    overtake(monkeypatch, rival)
    release(running, changed(documents, "pokemon/25", height=5))
    assert run_refresh(resources=("pokemon",)).name == "Completed"
    lake = Lake(store)
    assert lake.snapshots().shape[0] == 3
    assert lake.read("pokemon", [("pokemon_id", "==", 25)])["height_dm"].tolist() == [5]
    assert lake.read("types", [("type_id", "==", 1)])["name"].tolist() == ["rival"]
    assert {key.split("/")[1] for key in keys(store, SNAPSHOTS)} == set(lake.snapshots()["snapshot"])


def test_a_staged_shard_that_was_damaged_is_fetched_again(run_refresh: Refresh, store: Store, running: Running):
    running.faults([{"kind": "status", "status": 500, "path": "^type/1"}])
    error_of(run_refresh(resources=("pokemon", "type")), SourceError)
    [staged] = [key for key in keys(store, STAGING) if "/pokemon-" in key]
    body = bytearray(store.get(staged))
    body[len(body) // 2] ^= 1
    store.delete([staged])
    store.create(staged, bytes(body))
    running.faults([])
    running.reset()
    assert run_refresh(resources=("pokemon", "type")).name == "Completed"
    assert "pokemon/25" in running.counters()["by_path"]
    assert len(Lake(store).read("pokemon")) == 70


def test_no_more_connections_are_open_than_the_source_allows(run_refresh: Refresh, running: Running):
    running.faults([{"kind": "latency", "seconds": 0.005}])
    run_refresh(connections=3, parallel_shards=2, resources=("ability", "item", "pokemon", "type"))
    assert running.counters()["peak_concurrency"] <= 3


def test_requests_say_who_calls(run_refresh: Refresh, running: Running):
    run_refresh(resources=("type",), user_agent="our-lake (data@example.org)")
    assert running.counters()["user_agents"] == ["our-lake (data@example.org)"]


def test_shard_results_lie_in_s3_as_json(fill: Fill, store: Store):
    fill("pokemon")
    [key] = keys(store, f"{RESULTS}shards/")
    manifest = json.loads(json.loads(store.get(key))["result"])
    assert manifest["documents"] == 70
    assert manifest["key"] in keys(store, STAGING)


def test_an_unknown_resource_is_answered_with_those_that_exist(run_refresh: Refresh):
    assert "pokemon-species" in str(error_of(run_refresh(resources=("pokemons",)), UnknownNameError))


def test_an_unreachable_source_is_named(run_refresh: Refresh):
    error = error_of(run_refresh(base_url="http://127.0.0.1:9/api/v2/"), SourceError)
    assert "http://127.0.0.1:9/api/v2/: could not be reached" in str(error)


def test_results_that_cannot_be_written_stop_the_run_at_its_start(
    run_refresh: Refresh, running: Running, monkeypatch: pytest.MonkeyPatch
):
    """Prefect itself would go on, and lose every resume point."""
    from prefect_aws import S3Bucket

    def refuse(self: S3Bucket, path: str, content: bytes) -> str:
        raise RuntimeError("access denied")

    monkeypatch.setattr(S3Bucket, "write_path", refuse)
    assert "results block" in str(error_of(run_refresh(), StoreError))
    assert running.counters()["requests"] == 0
