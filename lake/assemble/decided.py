"""What became of held drafts: published, held again, dropped, superseded or expired; the next run says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from lake.accept import accepted as accepted_commit
from lake.assemble.held import HeldDraft, Standing, decide_itself, expire, held_drafts
from lake.assemble.staging import forget_results
from lake.commit import Commit, commit_seqs, read_commit
from lake.layout import LISTING_RESULTS, SHARD_RESULTS, held_folder, verdict_key
from lake.store import Store
from lake.verdict import Act, Verdict


class Ending(StrEnum):
    """What became of a held draft.

    PUBLISHED: It is a snapshot that readers see, or saw.
    UNCHANGED: Readers already saw everything that was in it.
    HELD_AGAIN: Another draft waits in its place, because it could not be published as it was.
    DROPPED: A person decided against it.
    SUPERSEDED: Something newer took its place.
    EXPIRED: Nobody decided before its deadline.
    ABANDONED: It was to be published, and nobody finished that before its deadline.
    """

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    HELD_AGAIN = "held again"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    ABANDONED = "abandoned"


# What came of the crawl of such a draft is not wanted, and the source may be repaired under the same version.
_UNWANTED = (Ending.DROPPED, Ending.EXPIRED)

_ENDINGS = {Act.DROP: Ending.DROPPED, Act.SUPERSEDED: Ending.SUPERSEDED, Act.EXPIRED: Ending.EXPIRED}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A held draft that was removed: its outcome, the verdict on it, and the snapshot or draft that it became."""

    draft: str
    outcome: Ending
    verdict: Verdict
    became: str | None = None

    def __str__(self) -> str:
        became = f" as {self.became}" if self.became else ""
        reason = f": {self.verdict.reason}" if self.verdict.reason else ""
        return f"held draft {self.draft} was {self.outcome}{became} (by {self.verdict.by} at {self.verdict.at}){reason}"


def published_as(store: Store, held: HeldDraft) -> Commit | None:
    """Return the commit that published a held draft, None if there is none."""
    first = held.parent.seq + 1 if held.parent else 1
    for seq in reversed(commit_seqs(store, first - 1)):
        commit = accepted_commit(seq, partial(read_commit, store))
        if commit is not None and commit.verdict is not None and commit.verdict.draft == held.id:
            return commit
    return None


def held_again_as(standings: Sequence[Standing], held: HeldDraft) -> HeldDraft | None:
    """Return the draft that waits, or waited, in a draft's place."""
    return next((standing.draft for standing in standings if standing.draft.again == held.id), None)


def clean_held(store: Store, now: datetime | None = None) -> list[Cleaned]:
    """Remove the held drafts that are decided or past their deadline, and return what became of each.

    One that is to be published stays until that is done, or until its deadline. After one that was dropped, or that
    nobody decided, the next crawl asks the source again: what crawls have kept is forgotten.
    """
    standings = held_drafts(store)
    newest = next((one.draft for one in standings if one.verdict is None and one.draft.is_open(now)), None)
    cleaned = []
    for one in standings:
        if one.draft is newest:
            continue
        if (found := _became(store, one, standings, now)) is not None:
            if found.outcome in _UNWANTED and not one.draft.is_rebuild:
                # First: whoever goes on after a kill finds the draft again.
                forget_results(store, SHARD_RESULTS, LISTING_RESULTS)
            remove_held(store, one.draft.id)
            cleaned.append(found)
    return cleaned


def _became(store: Store, one: Standing, standings: Sequence[Standing], now: datetime | None) -> Cleaned | None:
    """Return what became of a draft; None if that is not known yet."""
    held, verdict = one.draft, one.verdict
    if verdict is None and held.is_open(now):
        verdict = decide_itself(store, held.id, Act.SUPERSEDED, "a newer one is held in its place", now)
    elif verdict is None:
        verdict = expire(store, held, now)
    if verdict is None:
        return None
    if verdict.act is not Act.PUBLISH:
        return Cleaned(held.id, _ENDINGS[verdict.act], verdict)
    if commit := published_as(store, held):
        return Cleaned(held.id, Ending.PUBLISHED, verdict, commit.snapshot)
    if again := held_again_as(standings, held):
        return Cleaned(held.id, Ending.HELD_AGAIN, verdict, again.id)
    return None if held.is_open(now) else Cleaned(held.id, Ending.ABANDONED, verdict)


def remove_held(store: Store, draft: str) -> None:
    """Delete the folder of a held draft; its verdict goes last, because without it the draft would wait again."""
    keys = [item.key for item in store.list(held_folder(draft))]
    store.delete(key for key in keys if key != verdict_key(draft))
    store.delete([verdict_key(draft)])
