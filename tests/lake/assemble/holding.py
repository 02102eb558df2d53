"""Drafts that are held back in a lake of abilities, and verdicts on them."""

from datetime import UTC, datetime

from flows.local.replica import demo_documents
from lake.assemble.decide import Decision, decide
from lake.assemble.draft import Crawled
from lake.assemble.held import HeldDraft, hold
from lake.commit import head
from lake.layout import new_snapshot_id
from lake.publish import remove_snapshot
from lake.store import Store
from lake.verdict import Act, Verdict
from tests.lake.assemble.lakeside import RUN, Documents, Lakeside, changed, only, without

NOW = "2026-11-27T16:00:00+00:00"


def abilities() -> Documents:
    """Return all abilities."""
    return only(demo_documents(), "ability")


def fewer() -> Documents:
    """Return abilities of which most are gone, and one is another."""
    return changed(without(abilities(), "ability/1", "ability/2"), "ability/9", is_main_series=False)


def full(store: Store) -> Lakeside:
    """Return a lake with all abilities."""
    lake = Lakeside(store)
    lake.begin(abilities())
    return lake


def held_in(store: Store) -> HeldDraft:
    """Hold a draft in which most abilities of a lake are gone."""
    lake = full(store)
    return hold_back(lake, lake.crawl(fewer()))


def hold_back(lake: Lakeside, crawled: Crawled, is_rebuild: bool = False, now: datetime | None = None) -> HeldDraft:
    """Write a draft on the head, and hold it as a run does whose audits ask."""
    parent, name = head(lake.store), new_snapshot_id(datetime.now(UTC))
    draft = lake.draft(crawled, parent, is_rebuild=is_rebuild, name=name)
    assert draft is not None
    held = hold(lake.store, draft, parent, crawled, is_rebuild=is_rebuild, now=now)
    remove_snapshot(lake.store, name)
    return held


def publishing(held: HeldDraft, *findings: str, by: str = "Oak") -> Verdict:
    """Return a verdict that accepts some findings, or all."""
    return Verdict(held.id, Act.PUBLISH, by, NOW, "they were removed upstream", findings or None)


def dropping(held: HeldDraft, by: str = "Oak") -> Verdict:
    """Return a verdict that drops a draft."""
    return Verdict(held.id, Act.DROP, by, NOW, "the source is wrong")


def decided(lake: Lakeside, held: HeldDraft, verdict: Verdict, now: datetime | None = None) -> Decision:
    """Carry out a verdict on a held draft."""
    return decide(lake.store, held, verdict, lake._progress, RUN, now)
