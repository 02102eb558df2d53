"""Discovering: only what is new is fetched and published, and what is new or not listed any longer is said."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.client.schemas import State

from blocks.source_config import SourceConfig
from flows.discover import discover
from flows.local.replica import Corpus, Running
from flows.steps.parameters import SourceChoice
from lake.commit import Commit
from lake.crawl import Source
from lake.layout import RESULTS, SNAPSHOTS
from lake.read import Lake
from lake.store import Store
from tests.flows.conftest import LOCATION, Fill, Refresh
from tests.flows.lakeside import changed, current, event, release, without_meta
from tests.lake import keys

Discover = Callable[..., State[Any]]
Documents = dict[str, bytes]


@pytest.fixture
def run_discover(prefect_server: dict[str, str], store: Store, running: Running) -> Discover:
    """Return a function that discovers once, ``pokemon`` unless it is given other resources."""

    def run(**choice: Any) -> State[Any]:
        settings = {"base_url": running.url, "retry_delay_seconds": 0.01, "attempts": 2, "resources": ("pokemon",)}
        return discover(LOCATION, SourceChoice(**{**settings, **choice}), return_state=True)

    return run


@pytest.fixture
def without_pikachu(fill: Fill, store: Store, running: Running, documents: Documents) -> Commit:
    """Give the test a lake that was filled before Pikachu was known; the source has it by now."""
    fill("pokemon", without=("pokemon/25",))
    release(running, changed(documents, "pokemon/26", height=9))
    running.reset()
    return current(store)


def asked(running: Running) -> list[str]:
    """Return the paths of all requests since the last reset, apart from the root and ``meta``."""
    return [path for path in running.counters()["by_path"] if path not in ("", "meta")]


def test_only_what_is_new_is_fetched_and_everything_else_carried_over(
    run_discover: Discover, without_pikachu: Commit, store: Store, running: Running
):
    state = run_discover()
    assert state.name == "Completed"
    assert asked(running) == ["pokemon", "pokemon/25"]
    commit = current(store)
    assert commit.changes["pokemon"] == {"added": 1, "modified": 0, "deleted": 0, "reordered": 0}
    heights = Lake(store).read("pokemon").set_index("pokemon_id")["height_dm"]
    assert (len(heights), heights[25], heights[26]) == (70, 4, 8)
    assert commit.tables.keys() == without_pikachu.tables.keys()


def test_an_event_names_each_new_pokemon_and_another_the_snapshot(
    run_discover: Discover, without_pikachu: Commit, store: Store, running: Running, documents: Documents
):
    mew = {**json.loads(documents["pokemon/26"]), "id": 1_000_151, "name": "mew-of-this-test"}
    release(running, {**documents, "pokemon/1000151": json.dumps(mew).encode()})
    since = datetime.now(UTC)
    run_discover()
    snapshot = current(store).snapshot
    found = event("pokelake.pokemon.discovered", "pokelake.pokemon.1000151", since)
    assert found == {"id": 1_000_151, "name": "mew-of-this-test", "snapshot": snapshot}
    published = event("pokelake.snapshot.published", f"pokelake.snapshot.{snapshot}", since)
    assert (published["lake"], published["seq"]) == ("s3://lake/pokelake/", 2)
    assert published["parent"] == without_pikachu.snapshot
    assert published["changes"]["added"] == 2


def test_what_is_not_listed_any_longer_is_reported_and_kept(
    fill: Fill, run_discover: Discover, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    before = current(store)
    release(running, {path: body for path, body in documents.items() if path not in ("pokemon/132", "pokemon/25")})
    running.reset()
    since = datetime.now(UTC)
    state = run_discover()
    assert state.name == "Unchanged"
    assert "2 not listed any longer: pokemon/25, pokemon/132" in state.message
    assert asked(running) == ["pokemon"]
    assert current(store) == before
    found = event("pokelake.documents.vanished", f"pokelake.source.{running.url}", since)
    assert found == {"documents": ["pokemon/25", "pokemon/132"]}


def test_with_nothing_new_nothing_is_published(
    fill: Fill, run_discover: Discover, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    before = keys(store, SNAPSHOTS), current(store)
    release(running, changed(documents, "pokemon/25", height=5))
    state = run_discover()
    assert (state.name, state.message.split(";")[0]) == ("Unchanged", "nothing new")
    assert (keys(store, SNAPSHOTS), current(store)) == before


def test_a_refresh_after_it_still_asks_for_everything(
    run_refresh: Refresh, run_discover: Discover, without_pikachu: Commit, store: Store, running: Running
):
    """The snapshot holds documents of two versions, so no version tells that it is whole."""
    run_discover()
    assert current(store).source.version is None
    running.reset()
    assert run_refresh(resources=("pokemon",)).name == "Completed"
    assert running.counters()["by_status"]["304"] == 69
    assert Lake(store).read("pokemon", [("pokemon_id", "==", 26)])["height_dm"].tolist() == [9]


def test_within_their_ttl_listings_are_read_once_for_a_version(
    run_discover: Discover, without_pikachu: Commit, store: Store, running: Running, documents: Documents
):
    run_discover()
    assert len(keys(store, f"{RESULTS}listings/")) == 2  # One more is the refresh's, of the version before.
    running.reset()
    assert run_discover().name == "Unchanged"
    assert running.counters()["requests"] == 2
    release(running, changed(documents, "pokemon/26", height=10))
    running.reset()
    run_discover()
    assert asked(running) == ["pokemon"]


def test_after_their_ttl_listings_are_read_anew(run_discover: Discover, without_pikachu: Commit, running: Running):
    """Only a block can say how long that is."""
    source = Source(running.url, resources=("pokemon",), requests_per_second=0, listing_ttl_seconds=0.01)
    SourceConfig.of(source).save("short-lived-listings", overwrite=True)
    saved = {"base_url": None, "resources": None, "block": "short-lived-listings"}
    run_discover(**saved)
    running.reset()
    assert run_discover(**saved).name == "Unchanged"
    assert asked(running) == ["pokemon"]


def test_without_a_version_a_refresh_reads_listings_anew_although_a_discover_kept_them(
    run_refresh: Refresh, run_discover: Discover, store: Store, running: Running, documents: Documents
):
    plain = without_meta(documents)
    running.switch(Corpus.from_documents({path: body for path, body in plain.items() if path != "pokemon/25"}))
    run_discover()
    running.switch(Corpus.from_documents(plain))
    assert run_discover().name == "Unchanged"
    assert run_refresh(resources=("pokemon",)).name == "Completed"
    assert len(Lake(store).read("pokemon")) == 70


def test_what_was_missing_is_picked_up(run_refresh: Refresh, run_discover: Discover, store: Store, running: Running):
    running.faults([{"kind": "status", "status": 503, "path": "^pokemon/25$"}])
    assert run_refresh(resources=("pokemon",)).name == "Partial"
    assert [failure.path for failure in current(store).missing] == ["pokemon/25"]
    running.faults([])
    running.reset()
    assert run_discover().name == "Completed"
    assert asked(running) == ["pokemon/25"]
    assert current(store).missing == ()
    assert 25 in set(Lake(store).read("pokemon")["pokemon_id"])


def test_what_is_stale_stays_named_and_what_vanished_is_named_beside_it(
    fill: Fill, run_refresh: Refresh, run_discover: Discover, store: Store, running: Running, documents: Documents
):
    fill("pokemon")
    running.faults([{"kind": "status", "status": 503, "path": "^pokemon/25$"}])
    release(running, changed(changed(documents, "pokemon/25", height=5), "pokemon/26", height=9))
    run_refresh(resources=("pokemon",))
    running.faults([])
    ditto = {**json.loads(documents["pokemon/132"]), "id": 1_000_132, "name": "other-ditto"}
    later = {path: body for path, body in documents.items() if path != "pokemon/132"}
    release(running, {**later, "pokemon/1000132": json.dumps(ditto).encode()})
    state = run_discover()
    assert state.name == "Partial"
    assert state.message.endswith(": pokemon/25; 1 not listed any longer: pokemon/132")
    assert [failure.path for failure in current(store).stale] == ["pokemon/25"]
    assert current(store).changes["pokemon"]["added"] == 1


def test_what_is_new_and_cannot_be_fetched_is_named_and_asked_for_the_next_time(
    run_discover: Discover, without_pikachu: Commit, store: Store, running: Running
):
    running.faults([{"kind": "status", "status": 503, "path": "^pokemon/25$"}])
    state = run_discover()
    assert state.name == "Partial"
    assert state.message.endswith(": pokemon/25")
    assert current(store) == without_pikachu
    running.faults([])
    assert run_discover().name == "Completed"
    assert len(Lake(store).read("pokemon")) == 70
