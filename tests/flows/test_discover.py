"""Discovering: only what is new is fetched and published, and what is new or not listed any longer is said."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest

from blocks.source_config import SourceConfig
from flows.local.replica import Corpus, demo_documents
from lake.crawl import Source
from lake.layout import RESULTS, SNAPSHOTS
from tests.flows.chain import Chain, Step, chain
from tests.flows.lakeside import event, events
from tests.flows.poison import lead_astray
from tests.lake.assemble.lakeside import changed, copied, only, versioned, without

SINCE = datetime.now(UTC)
BLOCK = "short-lived-listings"

ALL = without(only(demo_documents(), "pokemon"), "pokemon/25/", "pokemon/132/", "pokemon/10100/")
EARLIER = without(ALL, "pokemon/25")
# Pikachu is new, and so is another Mew; Ditto grew meanwhile.
LATER = copied(changed(ALL, "pokemon/132", height=9), "pokemon/132", 1_000_151, name="mew-of-this-test")
NEXT = copied(LATER, "pokemon/132", 1_000_152, name="next")
LAST = copied(changed(NEXT, "pokemon/25", height=11), "pokemon/132", 1_000_153, name="last")


def failing(path: str) -> list[dict[str, object]]:
    return [{"kind": "status", "status": 503, "path": f"^{path}$"}]


@pytest.fixture(scope="module")
def told(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Chain]:
    with chain(s3_endpoint, "discovered", versioned(EARLIER)) as one:
        refresh = partial(one.refresh, resources=("pokemon",))
        discover = partial(one.discover, resources=("pokemon",))
        tell = one.tell
        tell("earlier", refresh)
        tell("known", discover)
        tell("new", discover, LATER)
        tell("listed", discover)
        lead_astray(one.store, "http://evil.test/api/v2/")
        tell("led astray", discover)
        tell("refreshed", refresh)
        tell("grown", discover, changed(LATER, "pokemon/132", height=10))
        tell("vanished", discover, without(LATER, "pokemon/132", "pokemon/25"))
        tell("failed", discover, NEXT, faults=failing("pokemon/1000152"))
        tell("found", discover)
        tell("missing", refresh, LAST, faults=failing("pokemon/1000153"))
        tell("picked up", discover)
        stale = changed(changed(LAST, "pokemon/25", height=5), "pokemon/132", height=3)
        tell("stale", refresh, stale, faults=failing("pokemon/25"))
        other = copied(without(stale, "pokemon/132"), "pokemon/25", 1_000_154, name="other")
        tell("beside", discover, other)
        SourceConfig.of(
            Source(one.running.url, resources=("pokemon",), requests_per_second=0, listing_ttl_seconds=0.01)
        ).save(BLOCK, overwrite=True)
        for name in ("short-lived", "short-lived again"):
            tell(name, one.discover, block=BLOCK, base_url=None)
        nameless = without(other, "meta")
        one.running.switch(Corpus.from_documents(nameless))
        tell("nameless", discover)
        one.running.switch(Corpus.from_documents(copied(nameless, "pokemon/25", 1_000_155, name="nameless")))
        tell("kept listing", discover)
        tell("fresh listing", refresh)
        yield one


def test_kept_listings_that_lead_elsewhere_are_read_anew(told: Chain):
    """Whoever can write to the bucket must not say where requests go, and a key with them."""
    assert (told["led astray"].name, told["led astray"].asked) == ("Unchanged", ["pokemon"])
    assert told["led astray"].message == told["listed"].message
    assert told["led astray"].keys == told["listed"].keys


def heights(told: Chain, name: str) -> dict[int, int]:
    rows = told.lake.read("pokemon", as_of=told[name].commit.snapshot)
    return dict(zip(rows["pokemon_id"], rows["height_dm"], strict=True))


def listings(step: Step) -> int:
    """Return how many listings are kept."""
    return sum(key.startswith(f"{RESULTS}listings/") for key in step.keys)


def stays(told: Chain, name: str, before: str) -> bool:
    """Tell whether a step left the snapshots as they were."""
    kept = [{key for key in told[one].keys if key.startswith(SNAPSHOTS)} for one in (name, before)]
    return kept[0] == kept[1] and told[name].commit == told[before].commit


def test_a_version_that_the_lake_holds_whole_costs_two_requests(told: Chain):
    step = told["known"]
    assert (step.name, step.counters["requests"]) == ("Unchanged", 2)
    assert step.message == (
        f"upstream is still at {step.commit.source.version}; readers see {told['earlier'].commit.snapshot}"
    )


def test_only_what_is_new_is_fetched_and_everything_else_carried_over(told: Chain):
    step, before = told["new"], told["earlier"].commit
    assert step.name == "Completed"
    assert step.asked == ["pokemon", "pokemon/1000151", "pokemon/25"]
    assert step.commit.changes["pokemon"] == {"added": 2, "modified": 0, "deleted": 0, "reordered": 0}
    assert (heights(told, "earlier"), step.commit.parent) == ({132: 3, 10100: 7}, before.snapshot)
    assert heights(told, "new") == {25: 4, 132: 3, 10100: 7, 1_000_151: 9}
    assert step.commit.tables.keys() == before.tables.keys()


def test_an_event_names_each_new_pokemon_and_another_the_snapshot(told: Chain):
    commit = told["new"].commit
    found = event("pokelake.pokemon.discovered", "pokelake.pokemon.1000151", SINCE)
    assert found == {"id": 1_000_151, "name": "mew-of-this-test", "snapshot": commit.snapshot}
    published = event("pokelake.snapshot.published", f"pokelake.snapshot.{commit.snapshot}", SINCE)
    assert published == {
        "lake": "s3://discovered/pokelake/",
        "seq": 2,
        "snapshot": commit.snapshot,
        "parent": told["earlier"].commit.snapshot,
        "changes": {"added": 2, "modified": 0, "deleted": 0, "reordered": 0},
    }


def test_within_their_ttl_listings_are_read_once_for_a_version(told: Chain):
    assert (told["listed"].name, told["listed"].counters["requests"]) == ("Unchanged", 2)
    assert told["listed"].message.split(";")[0] == "nothing new"
    # One is of the version before; a refresh, too, uses what a discover has read.
    assert listings(told["new"]) == listings(told["listed"]) == listings(told["refreshed"]) == 2
    assert told["grown"].asked == ["pokemon"]
    assert listings(told["grown"]) == 3


def test_after_their_ttl_listings_are_read_anew(told: Chain):
    """Only a block can say how long that is."""
    for name in ("short-lived", "short-lived again"):
        assert (told[name].name, told[name].asked) == ("Unchanged", ["pokemon"]), name


def test_a_refresh_after_it_still_asks_for_everything(told: Chain):
    """The snapshot holds documents of two versions, so no version tells that it is whole."""
    assert told["new"].commit.source.version is None
    step = told["refreshed"]
    assert (step.name, step.counters["by_status"]["304"]) == ("Completed", 3)
    assert heights(told, "refreshed")[132] == 9


def test_with_nothing_new_nothing_is_published(told: Chain):
    assert (told["grown"].name, told["grown"].message.split(";")[0]) == ("Unchanged", "nothing new")
    assert stays(told, "grown", "refreshed")


def test_what_is_not_listed_any_longer_is_reported_and_kept(told: Chain):
    step = told["vanished"]
    assert step.name == "Unchanged"
    assert step.message.startswith("nothing new; 2 not listed any longer: pokemon/25, pokemon/132; readers see ")
    assert step.asked == ["pokemon"]
    assert stays(told, "vanished", "refreshed")
    # Each run that sees a listing says so, until a refresh finds out what became of them.
    later = ("beside", "short-lived", "short-lived again", "nameless", "kept listing")
    found = events("pokelake.documents.vanished", f"pokelake.source.{told.running.url}", SINCE, 1 + len(later))
    assert found == [{"documents": ["pokemon/25", "pokemon/132"]}, *[{"documents": ["pokemon/132"]} for _ in later]]


def test_what_is_new_and_cannot_be_fetched_is_named_and_asked_for_the_next_time(told: Chain):
    assert told["failed"].name == "Partial"
    assert told["failed"].message.endswith("; 1 could not be fetched: pokemon/1000152")
    assert stays(told, "failed", "vanished")
    assert told["found"].name == "Completed"
    assert told["found"].asked == ["pokemon/1000152"]
    assert 1_000_152 in heights(told, "found")


def test_what_was_missing_is_picked_up(told: Chain):
    assert [failure.path for failure in told["missing"].commit.missing] == ["pokemon/1000153"]
    step = told["picked up"]
    assert (step.name, step.asked, step.commit.missing) == ("Completed", ["pokemon/1000153"], ())
    assert 1_000_153 in heights(told, "picked up")


def test_what_is_stale_stays_named_and_what_vanished_is_named_beside_it(told: Chain):
    assert [failure.path for failure in told["stale"].commit.stale] == ["pokemon/25"]
    step = told["beside"]
    assert step.name == "Partial"
    assert step.message.endswith(": pokemon/25; 1 not listed any longer: pokemon/132")
    assert [failure.path for failure in step.commit.stale] == ["pokemon/25"]
    assert step.commit.changes["pokemon"] == {"added": 1, "modified": 0, "deleted": 0, "reordered": 0}


def test_without_a_version_a_refresh_reads_listings_anew_although_a_discover_kept_them(told: Chain):
    assert (told["nameless"].name, told["kept listing"].name) == ("Unchanged", "Unchanged")
    assert (told["nameless"].asked, told["kept listing"].asked) == (["pokemon"], [])
    assert told["fresh listing"].name == "Completed"
    assert told["fresh listing"].commit.changes["pokemon"]["added"] == 1
