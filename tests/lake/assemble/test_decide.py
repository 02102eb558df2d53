"""Deciding a held draft: exactly it is published, or it is dropped, or it is held again; once, whoever is killed."""

import dataclasses
from datetime import timedelta

import pytest
from msgspec.structs import replace

from lake.assemble import draft as writing
from lake.assemble.bundle import Bundle
from lake.assemble.decide import require_takeable
from lake.assemble.decided import Ending, clean_held
from lake.assemble.draft import Crawled
from lake.assemble.held import HeldDraft, held_drafts, supersede, waiting
from lake.assemble.staging import Manifest
from lake.errors import DecidedError, PublishError, StoreError, UnansweredError, UnknownNameError
from lake.layout import HELD, STAGING, verdict_key
from lake.publish import Finding, Level, remove_snapshot
from lake.store import Store
from lake.verdict import Act, read_verdict
from tests.lake import keys, snapshots_of
from tests.lake.assemble.holding import NOW, abilities, decided, dropping, fewer, full, hold_back, publishing
from tests.lake.assemble.lakeside import RUN, Lakeside, changed, differing, hashes, mark_names
from tests.lake.publish.killing import Killed, killed_at
from tests.lake.publish.littering import age

OTHER = "20260808T041200Z-1f3a9c02"


@pytest.fixture
def lake(store: Store) -> Lakeside:
    """Return a lake with all abilities."""
    return full(store)


@pytest.fixture
def held(lake: Lakeside) -> HeldDraft:
    """Hold a draft in which most abilities are gone, and lose what was staged for it."""
    draft = hold_back(lake, lake.crawl(fewer()))
    lake.store.delete(keys(lake.store, STAGING))
    return draft


def snapshots(lake: Lakeside) -> set[str]:
    return snapshots_of(keys(lake.store))


def test_what_is_accepted_is_published_as_a_run_that_allows_it_would(lake: Lakeside):
    parent, crawled = lake.commit, lake.crawl(fewer())
    draft = lake.draft(crawled, allow_shrink=("ability", "names"), name=OTHER)
    assert draft is not None
    allowed = hashes(draft.commit)
    remove_snapshot(lake.store, OTHER)
    held = hold_back(lake, crawled)
    lake.store.delete(keys(lake.store, STAGING))
    decision = decided(lake, held, publishing(held))
    assert decision.commit is not None
    assert (decision.outcome, decision.commit) == (Ending.PUBLISHED, lake.commit)
    assert (lake.commit.parent, lake.commit.seq, lake.commit.run) == (parent.snapshot, parent.seq + 1, RUN)
    verdict = lake.commit.verdict
    assert verdict is not None
    assert (verdict.draft, verdict.by, verdict.at) == (held.id, "Oak", NOW)
    assert verdict.reason == "they were removed upstream"
    assert set(verdict.findings or ()) == {finding.name for finding in held.questions}
    assert {entry["rule"] for entry in lake.commit.audits if entry["level"] == "ask"} == {"deletions", "shrink"}
    assert decision.commit.changes == held.changes
    assert hashes(lake.commit) == allowed


def test_documents_of_shards_that_share_an_object_are_kept_as_others_are(lake: Lakeside):
    crawled = lake.crawl(fewer())
    bundle, came = Bundle(lake.store), list[Manifest]()
    for one in crawled.manifests:
        if one.key is None:
            came.append(one)
        else:
            key, start = bundle.add(one.key.replace("-", "-shared-", 1), lake.store.get(one.key))
            came.append(replace(one, key=key, start=start))
    bundle.write()
    lake.store.delete([one.key for one in crawled.manifests if one.key is not None])
    held = hold_back(lake, dataclasses.replace(crawled, manifests=came))
    assert {manifest.key for manifest in held.manifests if manifest.documents} < keys(lake.store, HELD)
    assert decided(lake, held, publishing(held)).outcome == Ending.PUBLISHED
    assert lake.commit.changes == held.changes


def test_every_finding_that_asks_must_be_accepted(lake: Lakeside, held: HeldDraft):
    before, names = lake.commit, [finding.name for finding in held.questions]
    with pytest.raises(UnansweredError, match=f"found none on {', '.join(names[1:])}; it waits on") as caught:
        decided(lake, held, publishing(held, names[0]))
    assert caught.value.names == tuple(names[1:])
    with pytest.raises(UnknownNameError, match="no finding that asks 'shrink/moves'; there are: shrink/names"):
        decided(lake, held, publishing(held, *names, "shrink/moves"))
    assert (waiting(lake.store), lake.commit) == (held, before)
    assert decided(lake, held, publishing(held, *names)).outcome == Ending.PUBLISHED


def test_what_is_dropped_is_not_published_and_the_next_run_says_so(lake: Lakeside, held: HeldDraft):
    before = lake.commit
    decision = decided(lake, held, dropping(held))
    assert (decision.outcome, decision.commit, lake.commit) == (Ending.DROPPED, None, before)
    assert waiting(lake.store) is None
    [cleaned] = clean_held(lake.store)
    assert str(cleaned) == f"held draft {held.id} was dropped (by Oak at {NOW}): the source is wrong"
    assert keys(lake.store, HELD) == set()
    assert snapshots(lake) == {before.snapshot}


def test_of_two_verdicts_the_first_one_stands(lake: Lakeside, held: HeldDraft):
    decided(lake, held, dropping(held))
    with pytest.raises(DecidedError, match="already decided by Oak") as caught:
        decided(lake, held, publishing(held, by="Elm"))
    assert f"by Oak at {NOW} (drop): the source is wrong" in str(caught.value)
    assert (caught.value.by, caught.value.act) == ("Oak", "drop")
    assert decided(lake, held, dropping(held, by="Elm")).verdict.by == "Oak"


def test_of_two_drafts_that_wait_after_a_kill_the_older_one_is_superseded(lake: Lakeside, held: HeldDraft):
    newer = hold_back(lake, lake.crawl(fewer()))
    lake.store.delete([verdict_key(held.id)])
    age(lake.store, f"{HELD}{held.id}", timedelta(seconds=2))
    with pytest.raises(DecidedError, match=f"{newer.id} is held in its place"):
        decided(lake, held, publishing(held))
    assert waiting(lake.store) == newer


def test_a_verdict_twice_publishes_once(lake: Lakeside, held: HeldDraft):
    first = decided(lake, held, publishing(held))
    second = decided(lake, held, publishing(held, by="Elm"))
    assert (second.outcome, second.commit, second.verdict) == (Ending.PUBLISHED, first.commit, first.verdict)
    with pytest.raises(DecidedError, match="by Oak"):
        decided(lake, held, dropping(held))
    [cleaned] = clean_held(lake.store)
    assert str(cleaned).startswith(f"held draft {held.id} was published as {lake.commit.snapshot} (by Oak")


def test_nobody_can_decide_after_the_deadline(lake: Lakeside, held: HeldDraft):
    with pytest.raises(DecidedError, match=r"by pokelake at .* \(expired\): nobody decided until"):
        decided(lake, held, publishing(held), held.deadline)
    [cleaned] = clean_held(lake.store)
    assert cleaned.outcome == Ending.EXPIRED


def test_what_was_superseded_is_not_published(lake: Lakeside, held: HeldDraft):
    supersede(lake.store, "a newer version was published")
    with pytest.raises(DecidedError, match="superseded"):
        decided(lake, held, publishing(held))


def test_whether_a_draft_takes_a_verdict_is_told_before_anything_is_written(lake: Lakeside, held: HeldDraft):
    first, *_ = [finding.name for finding in held.questions]
    require_takeable(lake.store, held, publishing(held))
    with pytest.raises(UnansweredError):
        require_takeable(lake.store, held, publishing(held, first))
    with pytest.raises(UnknownNameError):
        require_takeable(lake.store, held, publishing(held, "shrink/nothing"))
    with pytest.raises(DecidedError, match="expired"):
        require_takeable(lake.store, held, publishing(held), held.deadline)
    assert read_verdict(lake.store, held.id) is None
    decided(lake, held, dropping(held))
    require_takeable(lake.store, held, dropping(held, by="Elm"))
    with pytest.raises(DecidedError, match=r"already decided by Oak at .* \(drop\)"):
        require_takeable(lake.store, held, publishing(held))


def test_a_draft_whose_head_has_moved_is_held_again_on_the_new_one(lake: Lakeside, held: HeldDraft):
    """And what another run changed meanwhile stays as it made it."""
    older = lake.commit
    newer = lake.fill(changed(abilities(), "ability/10", is_main_series=False))
    lake.store.delete(keys(lake.store, STAGING))
    decision = decided(lake, held, publishing(held))
    assert (decision.outcome, lake.commit) == (Ending.HELD_AGAIN, newer)
    again = decision.held
    assert again is not None
    assert again.parent is not None
    assert (again.again, again.parent.snapshot, waiting(lake.store)) == (held.id, newer.snapshot, again)
    assert again.reason == (f"another run has published since: readers saw {older.snapshot}, and see {newer.snapshot}")
    assert set(again.needs) == {older.snapshot, newer.snapshot}
    assert snapshots(lake) == {older.snapshot, newer.snapshot}
    assert decided(lake, held, publishing(held)).held == again
    [cleaned] = clean_held(lake.store)
    assert (cleaned.outcome, cleaned.became) == (Ending.HELD_AGAIN, again.id)
    published = decided(lake, again, publishing(again))
    assert (published.outcome, published.commit) == (Ending.PUBLISHED, lake.commit)
    assert lake.lake.read("abilities").set_index("ability_id")["is_main_series"].to_dict()[9] is False


def test_a_draft_that_another_code_builds_otherwise_is_held_again(
    lake: Lakeside, held: HeldDraft, monkeypatch: pytest.MonkeyPatch
):
    before = lake.commit
    mark_names(monkeypatch, "abilities")
    decision = decided(lake, held, publishing(held))
    assert (decision.outcome, lake.commit) == (Ending.HELD_AGAIN, before)
    assert decision.held is not None
    assert decision.held.reason.startswith(f"the code is another: {held.fingerprint} built the tables then, ")
    assert decision.held.reason.endswith(" builds others now: abilities")
    assert decided(lake, decision.held, publishing(decision.held)).outcome == Ending.PUBLISHED
    assert all(name.startswith("?") for name in lake.lake.read("abilities")["name"])


def test_a_draft_in_which_nothing_is_left_to_publish_changes_nothing(lake: Lakeside, held: HeldDraft):
    newer = lake.fill(fewer(), allow_shrink=("ability", "names"))
    decision = decided(lake, held, publishing(held))
    assert (decision.outcome, decision.commit, lake.commit) == (Ending.UNCHANGED, newer, newer)
    assert keys(lake.store, HELD) == set()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_decision_that_is_killed_is_finished_by_the_same_verdict(lake: Lakeside, held: HeldDraft, moment: str):
    client, parent = lake.store._s3, lake.commit
    states = []
    for requests in range(2, 200, 11):
        dying = Lakeside(Store(lake.store.bucket, lake.store.prefix, killed_at(client, requests, moment)))
        try:
            decided(dying, held, publishing(held))
        except Killed:
            states.append([one.verdict.act if one.verdict else None for one in held_drafts(lake.store)])
            assert lake.commit.parent in (parent.parent, parent.snapshot)
        else:
            break
    else:
        pytest.fail("it never ended")
    assert [Act.PUBLISH] in states
    assert (lake.commit.parent, lake.commit.seq) == (parent.snapshot, parent.seq + 1)
    assert lake.commit.verdict is not None
    assert len(lake.lake.read("abilities")) == len(fewer()) - 1


def test_an_approved_draft_that_nobody_finished_goes_at_its_deadline(lake: Lakeside, held: HeldDraft):
    dying = Lakeside(Store(lake.store.bucket, lake.store.prefix, killed_at(lake.store._s3, 4, "after")))
    with pytest.raises(Killed):
        decided(dying, held, publishing(held))
    assert [one.verdict.act for one in held_drafts(lake.store) if one.verdict] == [Act.PUBLISH]
    assert clean_held(lake.store, held.deadline - timedelta(seconds=1)) == []
    [cleaned] = clean_held(lake.store, held.deadline)
    assert cleaned.outcome == Ending.ABANDONED


def test_what_blocks_is_published_by_no_verdict(lake: Lakeside, held: HeldDraft, monkeypatch: pytest.MonkeyPatch):
    audit = writing.audit
    wrong = Finding(Level.BLOCK, "primary-key", "abilities", "two rows with key 9")
    monkeypatch.setattr(writing, "audit", lambda *given: [*audit(*given), wrong])
    before = lake.commit
    with pytest.raises(PublishError, match="two rows with key 9"):
        decided(lake, held, publishing(held))
    monkeypatch.undo()
    assert (lake.commit, snapshots(lake)) == (before, {before.snapshot})
    assert decided(lake, held, publishing(held)).outcome == Ending.PUBLISHED


def test_a_rebuild_that_asks_is_held_without_documents(lake: Lakeside, monkeypatch: pytest.MonkeyPatch):
    before = lake.commit
    mark_names(monkeypatch, "abilities")
    held = hold_back(lake, Crawled(lake.commit.source, (), is_partial=True), is_rebuild=True)
    assert held.manifests == ()
    assert decided(lake, held, publishing(held)).outcome == Ending.PUBLISHED
    assert differing(before, lake.commit) == {"abilities"}


def test_a_rebuild_whose_head_has_moved_keeps_what_the_newer_head_says_of_its_source(
    lake: Lakeside, monkeypatch: pytest.MonkeyPatch
):
    mark_names(monkeypatch, "abilities")
    held = hold_back(lake, Crawled(lake.commit.source, (), is_partial=True), is_rebuild=True)
    monkeypatch.undo()
    newer = lake.fill(changed(abilities(), "ability/10", is_main_series=False))
    mark_names(monkeypatch, "abilities")
    again = decided(lake, held, publishing(held)).held
    assert again is not None
    assert decided(lake, again, publishing(again)).outcome == Ending.PUBLISHED
    assert (lake.commit.parent, lake.commit.source.version) == (newer.snapshot, newer.source.version)
    assert differing(newer, lake.commit) == {"abilities"}


def test_documents_that_are_gone_or_others_are_said(lake: Lakeside, held: HeldDraft):
    before = lake.commit
    key, *_ = keys(lake.store, f"{HELD}{held.id}/documents/ability-")
    lake.store.delete([key])
    with pytest.raises(StoreError, match="expected 1 whole documents, found none"):
        decided(lake, held, publishing(held))
    lake.store.create(key, b"PAR1")
    with pytest.raises(StoreError, match="expected 1 whole documents, found others"):
        decided(lake, held, publishing(held))
    assert (lake.commit, snapshots(lake)) == (before, {before.snapshot})
