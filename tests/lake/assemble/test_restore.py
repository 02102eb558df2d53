"""A bad snapshot is taken back by publishing an earlier one again; the next refresh goes on from that."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from flows.local.replica import demo_documents
from lake import tables
from lake.assemble.decide import decide
from lake.assemble.decided import Ending
from lake.assemble.restore import find_snapshot, require_whole, write_restored
from lake.assemble.stored import document_files
from lake.commit import FORMAT, Commit, commit_seqs, head, read_commit
from lake.errors import ConflictError, LakeError, RestoreError
from lake.layout import SCHEMAS, new_snapshot_id
from lake.publish import commit_snapshot
from lake.publish.damage import Verification
from lake.publish.verify import verify
from lake.store import Store
from lake.verdict import Act, Restored, Verdict
from tests.lake import keys
from tests.lake.assemble.holding import abilities, fewer, hold_back
from tests.lake.assemble.lakeside import RUN, Documents, Lakeside, audits, changed, copied, hashes, only, without
from tests.lake.publish.killing import Interrupted, Killed, killed_at
from tests.lake.publish.littering import LONG, age, collect, flip
from tests.tried import tried

BAD = 7_777


def progress(what: str, total: int) -> Any:
    return nullcontext(lambda done: None)


def restore(store: Store, name: str, reason: str = "heights are wrong") -> Commit | None:
    """Restore a snapshot as the flow does; None if the current one has the same files."""
    of, current = find_snapshot(store, name)
    require_whole(store, of, progress)
    note = Restored(of.snapshot, "misty", reason)
    commit = write_restored(store, new_snapshot_id(datetime.now(UTC)), of, current, note, RUN)
    return commit and commit_snapshot(store, commit)


def look(store: Store) -> Verification:
    return verify(store, progress)


def chain_of(store: Store) -> list[Commit]:
    return [read_commit(store, seq) for seq in commit_seqs(store)]


@pytest.fixture
def documents() -> Documents:
    """Return three Pokémon, all types and natures of a source with versions."""
    return only(demo_documents(), "pokemon", "type", "nature")


@pytest.fixture
def spoilt(documents: Documents) -> Documents:
    """Return what a source in trouble gives: a height is wrong, a type is gone, and one is there that never was."""
    wrong = changed(documents, "pokemon/25", height=BAD)
    return copied(without(wrong, "type/18"), "type/1", 99, name="bird")


@pytest.fixture
def lake(store: Store, documents: Documents, spoilt: Documents) -> Lakeside:
    """Open a lake with a good snapshot and a bad one."""
    lake = Lakeside(store)
    lake.begin(documents)
    lake.fill(spoilt)
    return lake


def test_readers_see_the_earlier_snapshot_as_a_new_one_and_all_of_the_history(lake: Lakeside):
    good, bad = lake.lake.snapshots()["snapshot"][::-1]
    first = lake.lake.commit(good)
    now = restore(lake.store, good)
    assert now is not None
    assert (now.seq, now.parent, lake.commit) == (3, bad, now)
    assert now.restores == Restored(good, "misty", "heights are wrong")
    assert (hashes(now), now.fingerprint, audits(now)) == (hashes(first), first.fingerprint, audits(first))
    assert now.snapshot not in (good, bad)
    assert look(lake.store).is_sound
    assert {name: {kind: n for kind, n in of.items() if n} for name, of in now.changes.items() if any(of.values())} == {
        "meta": {"modified": 1},
        "pokemon": {"modified": 1},
        "type": {"added": 1, "deleted": 1},
    }
    readers = lake.lake
    heights = [readers.read("pokemon", as_of=as_of).set_index("pokemon_id")["height_dm"][25] for as_of in (good, bad)]
    assert (readers.read("pokemon").set_index("pokemon_id")["height_dm"][25], heights) == (heights[0], [4, BAD])
    assert readers.diff("pokemon", good).empty
    assert list(readers.diff("pokemon", bad)["height_dm"]) == [4]
    assert readers.commit(now.committed_at) == now
    assert list(readers.snapshots()["restores"].dropna()) == [good]


def test_the_next_refresh_asks_by_the_restored_etags_and_fetches_what_changed_since(
    lake: Lakeside, documents: Documents, spoilt: Documents
):
    good = lake.lake.snapshots()["snapshot"].iloc[-1]
    now = restore(lake.store, good)
    assert now is not None
    assert now.source.version is None
    # Those that the source has as the restored snapshot has them are not sent.
    crawled = lake.crawl(documents)
    assert sum(manifest.documents for manifest in crawled.manifests) == 0
    assert sum(manifest.unchanged for manifest in crawled.manifests) == len(documents)
    assert lake.publish(crawled) == now
    # Of a source that is still bad, just what is bad is sent; of one that went on, just what is new.
    assert sum(manifest.documents for manifest in lake.crawl(spoilt).manifests) == 3
    crawled = lake.crawl(changed(documents, "nature/1", name="new"))
    assert sum(manifest.documents for manifest in crawled.manifests) == 2
    after = lake.publish(crawled)
    assert (after.parent, after.restores) == (now.snapshot, None)
    assert after.changes["nature"]["modified"] == 1
    assert not any((*after.changes["pokemon"].values(), *after.changes["type"].values()))
    rebuilt = lake.draft(replace(crawled, manifests=()), is_rebuild=True)
    assert rebuilt is not None
    assert hashes(rebuilt.commit) == hashes(after)


def test_a_refresh_under_way_keeps_what_was_restored_and_names_no_version(
    lake: Lakeside, documents: Documents, spoilt: Documents
):
    """It found unchanged what the restored snapshot has otherwise, so the lake is not what the source has.

    A document that describes the source would differ as well; not every source has one.
    """
    good = lake.lake.snapshots()["snapshot"].iloc[-1]
    before = lake.commit
    crawled = lake.crawl(changed(spoilt, "nature/1", name="new"))
    crawled = replace(crawled, manifests=[one for one in crawled.manifests if one.resource != "meta"])
    assert crawled.source.version is not None
    now = restore(lake.store, good)
    assert now is not None
    with pytest.raises(ConflictError):
        lake.publish(crawled, before)
    after = lake.publish(replace(crawled, began=document_files(before)))
    assert (after.parent, after.source.version) == (now.snapshot, None)
    assert lake.lake.read("pokemon").set_index("pokemon_id")["height_dm"][25] == 4
    assert after.changes["nature"]["modified"] == 1
    assert not any(after.changes["pokemon"].values())


def test_a_restore_that_a_refresh_overtakes_publishes_nothing_and_goes_on_from_there(
    lake: Lakeside, spoilt: Documents, s3_client: Any
):
    good = lake.lake.snapshots()["snapshot"].iloc[-1]
    crawled = lake.crawl(changed(spoilt, "nature/1", name="new"))
    of, current = find_snapshot(lake.store, good)
    commit = write_restored(lake.store, new_snapshot_id(datetime.now(UTC)), of, current, Restored(good, "a", "b"), RUN)
    assert commit is not None
    rival = lake.publish(crawled)
    with pytest.raises(ConflictError):
        commit_snapshot(lake.store, commit)
    assert lake.commit == rival
    now = restore(lake.store, good)
    assert now is not None
    assert (now.parent, hashes(now)) == (rival.snapshot, hashes(of))


@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_snapshot_that_is_not_whole_is_refused_before_anything_is_written(lake: Lakeside, damage: str):
    good = lake.lake.snapshots()["snapshot"].iloc[-1]
    flip(lake.store, next(iter(lake.lake.commit(good).sizes())), is_missing=damage == "missing")
    before = {item.key for item in lake.store.list("")}
    with pytest.raises(
        RestoreError, match=f"{good} was not restored, and nothing was written: it is not whole:\n- s3:"
    ):
        restore(lake.store, good)
    assert {item.key for item in lake.store.list("")} == before


def test_the_current_snapshot_and_names_of_none_are_refused(lake: Lakeside, store: Store):
    good, bad = lake.lake.snapshots()["snapshot"][::-1]
    with pytest.raises(RestoreError, match="it is the current snapshot"):
        restore(store, bad)
    with pytest.raises(RestoreError, match=f"no snapshot of this name; the nearest names are .*{good}"):
        restore(store, good[:-1])
    with pytest.raises(LakeError, match="nothing was ever published here"):
        restore(Store("lake", "empty", store._s3), good)


def test_what_readers_see_already_is_not_published_again(lake: Lakeside):
    good = lake.lake.snapshots()["snapshot"].iloc[-1]
    now = restore(lake.store, good)
    assert restore(lake.store, good) is None
    assert lake.commit == now


def test_the_audits_of_the_next_refresh_compare_with_what_was_restored(store: Store):
    """A bad snapshot lost most abilities; once they are back, to lose them again asks again."""
    lake = Lakeside(store)
    good = lake.begin(abilities())
    lake.fill(fewer(), allow_shrink=("ability", "abilities"))
    restore(store, good.snapshot)
    held = hold_back(lake, lake.crawl(fewer()))
    assert {finding.rule for finding in held.questions} >= {"deletions"}
    assert held.parent is not None
    assert held.parent.snapshot == lake.commit.snapshot


def test_a_draft_that_was_held_before_is_held_again_and_says_why(store: Store):
    lake = Lakeside(store)
    first = lake.begin(abilities())
    second = lake.fill(changed(abilities(), "ability/10", is_main_series=False))
    held = hold_back(lake, lake.crawl(fewer()))
    now = restore(store, first.snapshot)
    assert now is not None
    verdict = Verdict(held.id, Act.PUBLISH, "misty", "2026-08-08T04:13:05+00:00")
    decision = decide(store, held, verdict, progress)
    assert decision.outcome is Ending.HELD_AGAIN
    assert decision.held is not None
    assert f"readers saw {second.snapshot}, and see {now.snapshot}" in decision.held.reason
    assert lake.commit == now


def test_a_snapshot_of_other_code_is_restored_and_the_next_refresh_builds_its_tables_anew(
    lake: Lakeside, documents: Documents, monkeypatch: pytest.MonkeyPatch
):
    good = lake.lake.snapshots()["snapshot"].iloc[-1]
    fingerprint = lake.lake.commit(good).fingerprint
    monkeypatch.setattr(tables, "fingerprint", lambda *_: "other code")
    now = restore(lake.store, good)
    assert now is not None
    assert now.fingerprint == fingerprint
    after = lake.fill(changed(documents, "nature/1", name="new"))
    assert after.fingerprint == "other code"
    assert {name: of.rows for name, of in after.tables.items()} == {name: of.rows for name, of in now.tables.items()}
    assert look(lake.store).is_sound


def test_a_restore_that_is_killed_at_any_request_leaves_the_old_snapshot_or_the_new_one(
    lake: Lakeside, s3_client: Any, subtests: pytest.Subtests
):
    good = lake.lake.snapshots()["snapshot"].iloc[-1]
    begun = {item.key: lake.store.get(item.key) for item in lake.store.list("")}
    counted = Interrupted(s3_client, 0, lambda: None, "before")
    restore(Store("lake", lake.store.prefix, counted), good)
    last = counted.requests
    for at in tried({*range(1, last + 1, 11), *range(last - 3, last + 1)}, last):
        with subtests.test(at=at):
            place = Store("lake", str(at), s3_client)
            for name, body in begun.items():
                place.create(name, body)
            with pytest.raises(Killed):
                restore(Store("lake", place.prefix, killed_at(s3_client, at, "after")), good)
            found, now = look(place), head(place)
            assert found.paragraphs() == []
            assert now is not None
            assert (now.restores is not None) == (at == last)
            assert all(one.is_young for one in found.foreign)
            age(place, "", LONG)
            collect(place)
            files = {key for commit in chain_of(place) for key in commit.sizes()}
            assert keys(place, "snapshots/") - keys(place, SCHEMAS) == files


def test_who_knows_nothing_of_restoring_reads_such_a_commit_as_any_other(lake: Lakeside):
    good = lake.lake.snapshots()["snapshot"].iloc[-1]
    now = restore(lake.store, good)
    assert now is not None
    before = msgspec.defstruct("Before", [(name, Any) for name in Commit.__dataclass_fields__ if name != "restores"])
    assert msgspec.json.decode(now.to_json(), type=before).snapshot == now.snapshot  # type: ignore[attr-defined]
    assert now.format == FORMAT
