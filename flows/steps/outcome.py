"""The end of every publishing flow: it publishes on the current head, and says so by a state and an event."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from prefect import get_run_logger
from prefect.client.schemas import State
from prefect.states import Completed

from blocks.knobs import FROZEN
from flows.steps.events import announce, report_drift
from flows.steps.parameters import LakeLocation
from flows.steps.publish import Publication, publish
from flows.steps.upstream import NAMED
from lake.assemble.draft import Crawled
from lake.assemble.held import HeldDraft
from lake.assemble.staging import final_failures
from lake.assemble.stored import document_files
from lake.bucket import command_on
from lake.commit import Commit, head
from lake.crawl import Listing
from lake.errors import ConflictError
from lake.resource import Failure
from lake.text import counted, printable, shown

_T = TypeVar("_T")

# A run that loses this many races in a row has a rival that publishes all the time.
PUBLISH_ATTEMPTS = 3


class Outcome(StrEnum):
    """How a run ended that ended well and did not just do its work; its message begins with this word."""

    UNCHANGED = "unchanged"
    PARTIAL = "partial"
    FROZEN = "frozen"
    PLANNED = "planned"
    DIFFERENT = "different"
    HELD = "held"
    DROPPED = "dropped"
    STOPPED = "stopped"


# Documents that a state's message names; the commit names all of them.
NAMED_DOCUMENTS = 10


def publish_on_head(
    lake: LakeLocation, began: Commit | None, crawled: Crawled, allow_shrink: Sequence[str] = ()
) -> Publication | HeldDraft:
    """Publish on the current head; if another run was faster, publish the staged documents on its head.

    `began` is the commit that the crawl began from. What another run has changed since stays as it made it.
    """

    def attempt() -> Publication | HeldDraft:
        current = head(lake.open(), began)
        is_alone = (current and current.snapshot) == (began and began.snapshot)
        files = None if is_alone else document_files(began)
        return publish(lake, current, replace(crawled, began=files), allow_shrink)

    return again_if_beaten(attempt)


def again_if_beaten(attempt: Callable[[], _T], then: str = "going on from its snapshot") -> _T:
    """Make an attempt to publish, and another one if a rival was faster; `then` says in the log what that does.

    Raises:
        ConflictError: A rival was faster each of `PUBLISH_ATTEMPTS` times.
    """
    for _ in range(PUBLISH_ATTEMPTS - 1):
        try:
            return attempt()
        except ConflictError:
            get_run_logger().warning("another run published first; %s", then)
    return attempt()


def ended(message: str, outcome: Outcome | None = None) -> State[Any]:
    """Return the state of a run that ended well; its message may quote anybody's text, and begins with the outcome.

    The state keeps Prefect's own name, because both of its UIs filter runs by the names that it knows.
    """
    return Completed(message=printable(f"{outcome}: {message}" if outcome else message))


def outcome_of(state: State[Any]) -> str:
    """Return how a run ended, in one word: the first one of the message of a run that ended well, else the state's.

    >>> outcome_of(ended("every file is unchanged", Outcome.UNCHANGED)), outcome_of(ended("published 20260808T…: …"))
    ('unchanged', 'published')
    """
    word = re.match(r"[a-z]+\b", state.message or "") if state.is_completed() else None
    return word[0] if word else str(state.name).lower()


def published_by(state: State[Any]) -> str | None:
    """Return the snapshot that a run which ended well published, by its message; None if it published none.

    >>> published_by(ended("published 20260808T041200Z-1f3a9c02: 1 document added", Outcome.PARTIAL))
    '20260808T041200Z-1f3a9c02'
    """
    found = re.match(rf"(?:{Outcome.PARTIAL}: )?published ([0-9TZ]+-[0-9a-f]+)", state.message or "")
    return found[1] if found and state.is_completed() else None


def spoken(state: State[Any]) -> tuple[str, str]:
    """Return how a run ended as a terminal says it: a word, and the rest of the message.

    >>> spoken(ended("every file is unchanged", Outcome.UNCHANGED)), spoken(ended("published 20260808T…: …"))
    (('Unchanged', 'every file is unchanged'), ('Completed', 'published 20260808T…: …'))
    """
    message = state.message or ""
    word, _, rest = message.partition(": ")
    return (word.title(), rest) if word in set(Outcome) else (str(state.name), message)


def unchanged(parent: Commit, why: str) -> State[Any]:
    """Return the state of a run that found nothing to publish."""
    return ended(f"{why}; readers see {parent.snapshot}", Outcome.UNCHANGED)


def frozen() -> State[Any]:
    """Return the state of a run that the operator's knob ended before it began."""
    return ended(f"nothing was touched, because the Prefect Variable {FROZEN} is true", Outcome.FROZEN)


def finished(
    lake: LakeLocation, publication: Publication, crawled: Crawled, names: Mapping[int, str], more: str = ""
) -> State[Any]:
    """Announce the new snapshot, and return the state of the run; `names` has the names of new Pokémon.

    `more` is what else there is to say, such as which documents are not listed any longer.
    """
    commit = publication.commit
    if publication.is_new:
        named = {id_: names.get(id_, str(id_)) for id_ in publication.new_pokemon}
        announce(lake, commit, publication.parent, named)
        if publication.drifts:
            report_drift(lake.open().uri(), commit.snapshot, publication.drifts)
        summary = f"published {commit.snapshot}: {describe_changes(commit)}"
        if commit.audits:
            summary += f"; {counted(len(commit.audits), 'finding')} ({command_on(lake.open().uri(), 'audits')})"
        rejected = {failure.path for failure in publication.rejected}
        failed = [failure for failure in (*commit.stale, *commit.missing) if failure.path not in rejected]
        stale = sum(failure.path not in rejected for failure in commit.stale)
        kinds = f" ({stale} kept from before, {len(failed) - stale} missing)"
    else:
        summary = f"no change{_not_listed(commit, crawled)}; readers see {commit.snapshot}"
        failed, kinds = final_failures(crawled.manifests), ""
    facts = crawled.source
    if refused := facts.refused:
        summary += not_crawled(refused)
    if failed:
        first = ", ".join(shown(failure.path) for failure in failed[:NAMED_DOCUMENTS])
        summary += f"; {len(failed)} could not be fetched{kinds}: {first}"
    if publication.rejected:
        summary += f"; {_rejected(commit, publication.rejected)}"
    if facts.since:
        changes = f"listed only what changed since {min(facts.since.values())}: {', '.join(map(shown, facts.since))}"
        more = f"{changes}; {more}" if more else changes
    more = f"; {more}" if more else ""
    if failed or refused or publication.rejected:
        return ended(f"{summary}{more}", Outcome.PARTIAL)
    if publication.is_new:
        return ended(f"{summary}{more}")
    said = f"every file is unchanged{_not_listed(commit, crawled)}"
    return ended(f"{said}; readers see {commit.snapshot}{more}", Outcome.UNCHANGED)


def pokemon_names(listings: Sequence[Listing]) -> Mapping[int, str]:
    """Return the names of all Pokémon by id, as far as the listings have them."""
    return next((listing.names for listing in listings if listing.resource == NAMED), {})


def not_crawled(refused: Mapping[str, str]) -> str:
    """Name the collections that could not be crawled, and why, in one line."""
    named = "; ".join(f"{shown(name)} ({shown(refused[name])})" for name in sorted(refused)[:NAMED_DOCUMENTS])
    return f"; {counted(len(refused), 'collection')} not crawled, and kept as before: {named}"


def _rejected(commit: Commit, rejected: Sequence[Failure]) -> str:
    """Name the documents that no table can take as they came, the first with the reason."""
    missing = len({failure.path for failure in commit.missing} & {failure.path for failure in rejected})
    named = [f"{failure.path} ({failure.reason})" if not n else failure.path for n, failure in enumerate(rejected)]
    return (
        f"{len(rejected)} do not fit their tables ({len(rejected) - missing} kept from before, {missing} missing):"
        f" {', '.join(named[:NAMED_DOCUMENTS])}"
    )


def _not_listed(commit: Commit, crawled: Crawled) -> str:
    """Name the collections that the source no longer lists; a run without a commit has no findings that say so."""
    gone = sorted(document_files(commit).keys() - set(crawled.source.listed or ()))
    return f"; not listed any longer: {', '.join(map(shown, gone))}" if gone else ""


def describe_changes(commit: Commit) -> str:
    """Say how many documents of a commit are new, changed and gone."""
    totals = commit.totals()
    return ", ".join(f"{counted(totals[kind], 'document')} {kind}" for kind in ("added", "modified", "deleted"))
