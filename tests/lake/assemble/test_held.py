"""Held drafts: what is kept of a snapshot that an audit holds back, until when, and what replaces it."""

from datetime import timedelta

import pytest

from lake.assemble.decided import Ending, clean_held
from lake.assemble.held import HeldDraft, decide_itself, held_drafts, hold, read_held, supersede, waiting
from lake.errors import MissingObjectError, UnknownNameError
from lake.layout import HELD, RESULTS, STAGING, draft_key, verdict_key
from lake.store import Store
from lake.verdict import LAKE, Act, read_verdict
from tests.lake import keys, snapshots_of
from tests.lake.assemble.holding import abilities, fewer, full, hold_back
from tests.lake.assemble.lakeside import Lakeside, without
from tests.lake.publish.killing import Killed, killed_at
from tests.lake.publish.littering import age


@pytest.fixture
def lake(store: Store) -> Lakeside:
    """Return a lake with all abilities."""
    return full(store)


@pytest.fixture
def held(lake: Lakeside) -> HeldDraft:
    """Hold a draft in which most abilities are gone."""
    return hold_back(lake, lake.crawl(fewer()))


def test_a_held_draft_says_what_it_is_and_what_it_would_lose(lake: Lakeside, held: HeldDraft):
    read = read_held(lake.store, held.id)
    assert read == held == waiting(lake.store)
    assert held.parent is not None
    assert (held.parent.snapshot, held.parent.seq) == (lake.commit.snapshot, lake.commit.seq)
    assert held.deadline - held.created_at == timedelta(hours=72)
    assert held.version is not None
    assert held.run == {"flow_run_id": None, "code_version": "0.1.0"}
    assert [finding.name for finding in held.questions][:1] == ["shrink/names"]
    assert {"deletions/ability", "shrink/abilities"} <= {finding.name for finding in held.questions}
    losses = [finding.lost for finding in held.questions]
    assert losses == sorted(losses, reverse=True)
    assert all(finding.before is not None and finding.after is not None for finding in held.questions)


def test_a_held_draft_needs_nothing_that_is_only_staged(lake: Lakeside, held: HeldDraft):
    copies = {manifest.key for manifest in held.manifests if manifest.key}
    assert copies == keys(lake.store, f"{HELD}{held.id}/documents/") != set()
    assert keys(lake.store, HELD) == {*copies, draft_key(held.id)}


def test_readers_see_nothing_of_it(lake: Lakeside):
    before = lake.commit
    history = lake.lake.snapshots()
    held = hold_back(lake, lake.crawl(fewer()))
    assert lake.commit == before
    assert lake.lake.snapshots().equals(history)
    assert held.id not in snapshots_of(keys(lake.store))
    assert len(lake.lake.read("abilities")) == len(abilities()) - 1


def test_one_draft_waits_and_the_next_one_takes_its_place(lake: Lakeside, held: HeldDraft):
    newer = hold_back(lake, lake.crawl(without(abilities(), "ability/1")))
    assert waiting(lake.store) == newer
    verdict = read_verdict(lake.store, held.id)
    assert verdict is not None
    assert (verdict.act, verdict.by, newer.id in verdict.reason) == (Act.SUPERSEDED, LAKE, True)
    assert [one.draft.id for one in held_drafts(lake.store)] in ([newer.id, held.id], [held.id, newer.id])
    [cleaned] = clean_held(lake.store)
    assert (cleaned.draft, cleaned.outcome) == (held.id, Ending.SUPERSEDED)
    assert f"held draft {held.id} was superseded (by pokelake at " in str(cleaned)
    assert {key.split("/")[1] for key in keys(lake.store, HELD)} == {newer.id}


def test_a_run_that_holds_nothing_supersedes_what_waits(lake: Lakeside, held: HeldDraft):
    assert supersede(lake.store, "the source has it all again") == [held.id]
    assert waiting(lake.store) is None
    assert supersede(lake.store, "again") == []


def test_nobody_decides_and_it_expires(lake: Lakeside, held: HeldDraft):
    before, after = held.deadline - timedelta(seconds=1), held.deadline
    assert waiting(lake.store, before) == held
    assert clean_held(lake.store, before) == []
    assert waiting(lake.store, after) is None
    [cleaned] = clean_held(lake.store, after)
    assert cleaned.outcome == Ending.EXPIRED
    assert f"nobody decided until {held.deadline.isoformat(timespec='seconds')}" in str(cleaned)
    assert keys(lake.store, HELD) == set()
    assert clean_held(lake.store, after) == []


@pytest.mark.parametrize(
    ("act", "is_rebuild", "is_forgotten"),
    [(Act.DROP, False, True), (Act.EXPIRED, False, True), (Act.SUPERSEDED, False, False), (Act.DROP, True, False)],
)
def test_what_crawls_kept_is_forgotten_with_a_draft_that_nobody_wants(
    lake: Lakeside, act: Act, is_rebuild: bool, is_forgotten: bool
):
    """The source may be repaired under the same version. A newer crawl goes on; a rebuild has asked no source."""
    kept = {f"{RESULTS}{name}" for name in ("shards/0123/ability-0000", "listings/4567", "probe-89ab")}
    for key in kept:
        lake.store.create(key, b"{}")
    held = hold_back(lake, lake.crawl(fewer()), is_rebuild)
    assert decide_itself(lake.store, held.id, act, "for a reason") is not None
    [cleaned] = clean_held(lake.store)
    assert cleaned.verdict.act == act
    # Another run may be proving that results can be written.
    assert keys(lake.store, RESULTS) == ({f"{RESULTS}probe-89ab"} if is_forgotten else kept)


def test_an_expired_draft_is_not_superseded(lake: Lakeside, held: HeldDraft):
    assert supersede(lake.store, "a newer version", now=held.deadline) == []
    assert read_verdict(lake.store, held.id).act == Act.EXPIRED  # type: ignore[union-attr]


def test_a_draft_that_is_not_there_is_told_with_the_one_that_waits(lake: Lakeside, held: HeldDraft):
    for name in ("20260808T041200Z-1f3a9c02", "../commits/1", ""):
        with pytest.raises(UnknownNameError, match=f"there are: {held.id}"):
            read_held(lake.store, name)


def test_two_that_wait_after_a_kill_are_one(lake: Lakeside, held: HeldDraft):
    """The run died between the new draft and its verdict on the old one."""
    newer = hold_back(lake, lake.crawl(without(abilities(), "ability/1")))
    lake.store.delete([verdict_key(held.id)])
    age(lake.store, f"{HELD}{held.id}", timedelta(seconds=2))
    assert waiting(lake.store) == newer
    [cleaned] = clean_held(lake.store)
    assert (cleaned.draft, cleaned.outcome) == (held.id, Ending.SUPERSEDED)


def test_of_two_that_are_held_at_the_same_time_one_waits(lake: Lakeside, held: HeldDraft):
    """Neither takes the place of one that was not there when it was written."""
    assert supersede(lake.store, "late", only=[]) == []
    assert waiting(lake.store) == held


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_hold_that_is_killed_leaves_nothing_that_waits(lake: Lakeside, moment: str):
    crawled = lake.crawl(fewer())
    parent = lake.commit
    draft = lake.draft(crawled, parent)
    client = lake.store._s3
    assert draft is not None
    waited = []
    for at in range(1, 20):
        dying = Store(lake.store.bucket, lake.store.prefix, killed_at(client, at, moment))
        try:
            hold(dying, draft, parent, crawled)
        except Killed:
            waited.append(waiting(lake.store) is not None)
            for found in held_drafts(lake.store):
                assert all(manifest.key is None or lake.store.get(manifest.key) for manifest in found.draft.manifests)
            lake.store.delete(keys(lake.store, HELD))
        else:
            break
    else:
        pytest.fail("it never ended")
    assert waited[0] is False
    assert waiting(lake.store) is not None


def test_a_document_that_is_no_longer_staged_cannot_be_held(lake: Lakeside):
    crawled = lake.crawl(fewer())
    parent = lake.commit
    draft = lake.draft(crawled, parent)
    assert draft is not None
    lake.store.delete(keys(lake.store, STAGING))
    with pytest.raises(MissingObjectError):
        hold(lake.store, draft, parent, crawled)
    assert keys(lake.store, HELD) == set()
