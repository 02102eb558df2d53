"""A repair publishes the current snapshot anew: what was damaged is built, or taken from where it is whole."""

import pytest

from flows.local.replica import demo_documents
from lake.commit import Commit, head
from lake.errors import ConflictError, StoreError
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, audits, changed, hashes, message, only
from tests.lake.assemble.repairing import look, repair
from tests.lake.publish.killing import Interrupted, Killed, killed_at
from tests.lake.publish.littering import flip
from tests.tried import tried

DOCUMENTS = "documents/resource=type"


@pytest.fixture
def documents() -> Documents:
    """Return three Pokémon, all types and natures."""
    return only(demo_documents(), "pokemon", "type", "nature")


@pytest.fixture
def lake(store: Store, documents: Documents) -> Lakeside:
    """Open a lake that holds the documents."""
    lake = Lakeside(store)
    lake.begin(documents)
    return lake


def key(lake: Lakeside, name: str, commit: Commit | None = None) -> str:
    """Return the key of the first file of a table, or of a resource's documents, in the current snapshot or another."""
    return next(key for key in (commit or lake.commit).keys() if f"/{name}/" in key)  # noqa: SIM118


@pytest.mark.parametrize("is_missing", [False, True])
def test_a_damaged_table_is_built_anew_with_the_same_bytes_and_the_lake_is_whole(lake: Lakeside, is_missing: bool):
    before = lake.commit
    flip(lake.store, key(lake, "types"), is_missing=is_missing)
    assert not look(lake.store).is_sound
    after = repair(lake.store)
    assert after is not None
    assert (after.parent, hashes(after), after.source) == (before.snapshot, hashes(before), before.source)
    assert ("damaged", "types") in audits(after)
    assert f"1 file of {before.snapshot}, missing or damaged in the bucket, built anew" in message(
        after, "damaged", "types"
    )
    found = look(lake.store)
    [old] = found.damages
    assert (found.is_sound, old.repaired_by) == (True, after.snapshot)
    assert found.line().startswith("sound but for 1 damaged file of earlier snapshots, repaired since: ")
    assert f"; repaired in {after.snapshot}; " in found.paragraphs()[0]
    assert (found.facts()["sound"], found.facts()["whole"]) == (True, False)
    assert look(lake.store, after.snapshot).line().startswith("whole: ")
    assert repair(lake.store) is None


def test_damaged_documents_are_taken_from_an_earlier_snapshot_that_has_the_same_file(
    lake: Lakeside, documents: Documents
):
    first = lake.commit
    second = lake.fill(changed(documents, "pokemon/25", height=5))
    flip(lake.store, key(lake, DOCUMENTS))
    flip(lake.store, key(lake, "types"))
    after = repair(lake.store)
    assert after is not None
    assert hashes(after) == hashes(second)
    assert f"missing or damaged in the bucket, taken from {first.snapshot}" in message(after, "damaged", "type")
    assert "built anew" in message(after, "damaged", "types")
    assert look(lake.store).is_sound
    assert after.changes["type"]["modified"] == 0


@pytest.mark.parametrize("why", ["damaged there as well", "changed since"])
def test_documents_that_no_other_snapshot_has_whole_are_left_to_a_refresh(
    lake: Lakeside, documents: Documents, why: str
):
    first = lake.commit
    if why == "changed since":
        documents = changed(documents, "type/1", name="plain")
    second = lake.fill(changed(documents, "pokemon/25", height=5))
    if why == "damaged there as well":
        flip(lake.store, key(lake, DOCUMENTS, first))
    flip(lake.store, key(lake, DOCUMENTS))
    with pytest.raises(StoreError, match=r"documents of type are missing or damaged.*run `pokelake refresh --force"):
        repair(lake.store)
    assert lake.commit == second
    after = lake.fill(changed(documents, "pokemon/25", height=5), lost=("type",))
    assert look(lake.store, after.snapshot).damaged(after.snapshot) == {}


def test_damage_of_an_earlier_snapshot_is_named_and_not_repaired(lake: Lakeside, documents: Documents):
    first = lake.commit
    second = lake.fill(changed(documents, "pokemon/25", height=5))
    flip(lake.store, key(lake, DOCUMENTS, first))
    assert repair(lake.store) is None
    assert lake.commit == second
    found = look(lake.store)
    [damage] = found.damages
    assert (found.is_sound, damage.snapshot, damage.repaired_by) == (False, first.snapshot, None)
    assert "published files never change" in damage.advice


def test_a_repair_that_is_killed_at_any_request_leaves_the_old_snapshot_or_the_new_one(
    store: Store, s3_client, subtests
):
    """What it leaves else is a folder that no commit names, which `maintain` removes."""
    documents, lake = only(demo_documents(), "type", "nature"), Lakeside(store)
    lake.begin(documents)
    lake.fill(changed(documents, "nature/1", name="shy"))
    flip(lake.store, key(lake, "types"))
    flip(lake.store, key(lake, DOCUMENTS))
    begun = {item.key: lake.store.get(item.key) for item in lake.store.list("")}
    counted = Interrupted(s3_client, 0, lambda: None, "before")
    repair(Store("lake", lake.store.prefix, counted))
    for at in tried(range(1, counted.requests + 1, 7), counted.requests):
        with subtests.test(at=at):
            place = Store("lake", str(at), s3_client)
            for name, body in begun.items():
                place.create(name, body)
            old = head(place)
            with pytest.raises(Killed):
                repair(Store("lake", place.prefix, killed_at(s3_client, at, "after")))
            now, found = head(place), look(place)
            assert now is not None
            assert found.is_sound or now == old
            assert all(one.is_young for one in found.foreign)
            repair(place)
            assert look(place).is_sound


def test_a_repair_that_loses_a_race_publishes_nothing(lake: Lakeside, documents: Documents, s3_client):
    flip(lake.store, key(lake, "types"))
    rival = lake.crawl(changed(documents, "pokemon/25", height=5))
    counted = Interrupted(s3_client, 0, lambda: None, "before")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.lake.assemble.repairing.commit_snapshot", lambda store, commit: commit)
        repair(Store("lake", lake.store.prefix, counted))
    # The last request but those of the commit itself.
    late = Interrupted(s3_client, counted.requests, lambda: lake.publish(rival), "after")
    with pytest.raises(ConflictError):
        repair(Store("lake", lake.store.prefix, late))
    assert lake.commit.changes["pokemon"]["modified"] == 1
    assert look(lake.store, lake.commit.snapshot).damaged(lake.commit.snapshot) == {}
