"""The gate: a run whose publication asks waits for a person, and carries out the verdict that it is given."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from prefect import get_run_logger, runtime
from prefect.client.schemas import State
from prefect.context import FlowRunContext
from prefect.flow_runs import suspend_flow_run
from pydantic import ValidationError

from flows.steps.answer import answer_form, verdict_of
from flows.steps.bar import progress
from flows.steps.events import report_current, report_draft_ended
from flows.steps.held import (
    approve_command,
    clean_drafts,
    described,
    held_error,
    is_of_this_run,
    tell_held,
    until,
    waited_for,
)
from flows.steps.numbers import phase
from flows.steps.outcome import Outcome, ended, finished, unchanged
from flows.steps.parameters import Choice, LakeLocation
from flows.steps.publish import Publication, new_drifts, run_facts
from lake.assemble.decide import Decision, decide
from lake.assemble.decided import Ending
from lake.assemble.held import HeldDraft, Standing, held_drafts, read_held, supersede, undecided
from lake.commit import Commit, head, parent_of
from lake.errors import UnansweredError, UnknownNameError
from lake.text import minute, shown
from lake.verdict import Act, Verdict


def verdict_first(
    lake: LakeLocation, choice: Choice | None = None, standings: Sequence[Standing] | None = None
) -> State[Any] | None:
    """Return the state of a run that only has a draft to decide; None if it has its work to do.

    That is one that was told a verdict, or that was resumed: the draft that it holds is decided, and nothing is crawled
    again. What became of other drafts is said. `standings` are the lake's drafts, if the caller has looked for them.
    """
    store, waited = lake.open(), waited_for()
    standings = held_drafts(store) if standings is None else standings
    for standing in standings:
        held, verdict = standing.draft, standing.verdict
        if not (is_of_this_run(held) or held.id in waited) or not held.is_open():
            continue
        if verdict is None:
            return await_verdict(lake, held)
        if verdict.act in (Act.PUBLISH, Act.DROP):
            # The process that was told it did not come to an end.
            return carry_out(lake, held, verdict)
    if choice is not None and not waited:
        return carry_out(lake, read_held(store, choice.draft), verdict_of(choice))
    if standings:
        clean_drafts(lake)
    if waited:
        # Whoever resumed it wants no crawl.
        current = head(store)
        said = f"the draft that this run waited for, {max(waited)}, is settled already"
        return unchanged(current, said) if current else ended(f"{said}; nothing was ever published", Outcome.UNCHANGED)
    return None


def held_back(lake: LakeLocation, held: HeldDraft) -> State[Any]:
    """Wait for the verdict on a draft that this run holds; the same draft of another run waits for it already."""
    if not is_of_this_run(held):
        return still_waits(lake, held)
    clean_drafts(lake)
    return await_verdict(lake, held)


def still_waits(lake: LakeLocation, held: HeldDraft) -> State[Any]:
    """Return the state of a run that has nothing to add to a draft that waits.

    Raises:
        HeldError: The run is none of a deployment: whoever started it can decide.
    """
    _require_deployment(lake, held)
    way = approve_command(lake, held.id)
    said = f"draft {held.id} still waits for a verdict, since {minute(held.created_at)} and until {until(held)} ({way})"
    return ended(said, Outcome.HELD)


def await_verdict(lake: LakeLocation, held: HeldDraft) -> State[Any]:
    """Suspend the run until a person decides, and carry out the verdict.

    The run goes on in another process, from its beginning, and comes here again; then an answer is at hand.

    Raises:
        HeldError: The run cannot wait, because it is none of a deployment.
    """
    context, artifact, refused = FlowRunContext.get(), None, ""
    fired = context.flow_run.empirical_policy.pause_keys or set() if context and context.flow_run else set[str]()
    for number in count(1):
        # Keys of a form are of small letters, digits and dashes.
        key = f"{held.id.lower()}-{number}"
        if number == 1 and key not in fired:
            artifact = tell_held(lake, held)
        try:
            choice = _ask(lake, held, key, described(lake, held, artifact, refused))
        except ValidationError:
            if key not in fired:
                raise
            # Somebody started the run again instead of answering.
            continue
        try:
            return carry_out(lake, held, verdict_of(choice))
        except (UnansweredError, UnknownNameError) as error:
            get_run_logger().warning("%s", error)
            refused = str(error)
    raise AssertionError("a question that was not asked yet suspends the run")


def _require_deployment(lake: LakeLocation, held: HeldDraft) -> None:
    """Raise `HeldError` where the run is none of a deployment: whoever started it can decide."""
    if runtime.deployment.id is None:
        raise held_error(lake, held)


def _ask(lake: LakeLocation, held: HeldDraft, key: str, description: str) -> Choice:
    """Ask a person by suspending the run, or return the answer."""
    _require_deployment(lake, held)
    form = answer_form(held).with_initial_data(description=description)
    seconds = max(1, int((held.deadline - datetime.now(UTC)).total_seconds()))
    try:
        answer = suspend_flow_run(wait_for_input=form, timeout=seconds, key=key)
    except RuntimeError as error:
        # Prefect suspends no run that another one calls.
        get_run_logger().warning("%s", error)
        raise held_error(lake, held) from error
    given = answer.model_dump()
    return Choice(
        draft=held.id,
        publish=given["verdict"] == Act.PUBLISH,
        findings=given.get("findings", ()),
        reason=given["reason"],
        by=given["by"],
    )


def carry_out(lake: LakeLocation, held: HeldDraft, verdict: Verdict) -> State[Any]:
    """Publish or drop a held draft, say so, and return the state of the run; what is held again is waited for.

    Raises:
        LakeError: The draft was decided otherwise, or cannot be published.
    """
    store = lake.open()
    with phase("decide", f"deciding held draft {held.id}: {verdict.act}, by {shown(verdict.by)}"):
        decision = decide(store, held, verdict, progress, run_facts())
    clean_drafts(lake)
    if decision.outcome is Ending.DROPPED:
        return ended(f"draft {held.id}{decision.verdict.why}, by {decision.verdict.by}", Outcome.DROPPED)
    if decision.held is not None:
        get_run_logger().warning("held again: %s", decision.held.reason)
        return await_verdict(lake, decision.held)
    assert decision.commit is not None, "what was neither dropped nor held again is what readers see"
    if decision.outcome is Ending.UNCHANGED:
        report_draft_ended(store.uri(), held.id, decision.outcome, decision.verdict)
        return unchanged(decision.commit, f"readers already saw all of draft {held.id}")
    return _published(lake, decision)


def _published(lake: LakeLocation, decision: Decision) -> State[Any]:
    """Announce what a verdict published, as a run does that published without asking."""
    store, held, commit = lake.open(), decision.draft, decision.commit
    assert commit is not None
    parent = parent_of(store, commit)
    drifts = new_drifts(commit, parent) if parent else ()
    publication = Publication(commit, True, held.new_pokemon, decision.rejected, drifts, parent)
    if _is_refresh(held):
        report_current(store.uri(), commit.snapshot)
    said = f"as decided by {decision.verdict.by}{decision.verdict.why}"
    return finished(lake, publication, held.crawled(), _names(lake, commit, held.new_pokemon), said)


def _names(lake: LakeLocation, commit: Commit, pokemon: tuple[int, ...]) -> dict[int, str]:
    """Return the names of new Pokémon by id."""
    if not pokemon:
        return {}
    # It loads pandas, which no other run needs.
    from lake.read.files import read_table

    wanted, columns = [("pokemon_id", "in", list(pokemon))], ["pokemon_id", "name"]
    rows = read_table(lake.open(), commit, "pokemon", wanted, columns).select(columns)
    return dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def overtake(lake: LakeLocation, resources: Collection[str], publication: Publication, version: str | None) -> None:
    """Let what a refresh has found take the place of drafts that wait, as far as it has crawled what they are about.

    If it published nothing, only drafts of refreshes to another version than this are obsolete.
    """
    store, current = lake.open(), publication.commit.snapshot
    if not undecided(store):
        return
    obsolete = [
        draft.id
        for draft in (standing.draft for standing in held_drafts(store))
        if set(draft.source.resources) <= set(resources)
        and (publication.is_new or (_is_refresh(draft) and (version is None or draft.version != version)))
    ]
    supersede(store, f"a newer refresh ended, after which readers see {current}", obsolete)
    clean_drafts(lake)


def _is_refresh(held: HeldDraft) -> bool:
    """Tell whether a draft is that of a refresh of everything."""
    return not (held.is_partial or held.is_rebuild or held.picked)
