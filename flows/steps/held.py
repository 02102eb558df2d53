"""What people are told of held drafts: the facts, the commands that decide, an artifact, and events."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled
from prefect.utilities.urls import url_for

from flows.steps.artifacts import artifact_key, client_of_run, create
from flows.steps.events import report_draft_ended, report_held
from flows.steps.logs import harmless, note
from flows.steps.markdown import cell
from flows.steps.outcome import Outcome
from flows.steps.parameters import LakeLocation
from flows.steps.watch import OUTCOME_TAG
from lake.assemble.decided import clean_held
from lake.assemble.held import HeldDraft, held_drafts
from lake.bucket import command_on
from lake.errors import HeldError, LakeError
from lake.layout import is_snapshot_id
from lake.publish import Finding, further
from lake.text import counted, listed, minute, shown

# The tag of a run that waits for a verdict.
HELD_TAG = f"{OUTCOME_TAG}{Outcome.HELD}"

# Findings that a message or a form names; the artifact has all.
NAMED = 10

# Characters of a finding in a table.
_CHARACTERS = 1_000


def approve_command(lake: LakeLocation, draft: str) -> str:
    """Return the command that shows a held draft; a flag more decides it.

    >>> approve_command(LakeLocation(bucket="our-lake", prefix="pokelake"), "20260808T041200Z-1f3a9c02")
    'pokelake approve 20260808T041200Z-1f3a9c02 --bucket our-lake --prefix pokelake'
    """
    return command_on(lake.open().uri(), "approve", draft)


def decide_commands(lake: LakeLocation, draft: str) -> list[str]:
    """Return the commands that publish a held draft, and that drop it."""
    command = approve_command(lake, draft)
    return [f"{command} --all --reason WHY", f"{command} --reject --reason WHY"]


def until(held: HeldDraft) -> str:
    """Return the deadline of a held draft, to the minute."""
    return minute(held.deadline)


def flow_run_of(held: HeldDraft) -> UUID | None:
    """Return the id of the flow run that holds a draft, None if it names none."""
    try:
        return UUID(held.run.get("flow_run_id") or "")
    except ValueError:
        return None


def is_of_this_run(held: HeldDraft) -> bool:
    """Tell whether the run in whose context this is called holds a draft."""
    own = runtime.flow_run.id
    return own is not None and held.run.get("flow_run_id") == own


def waited_for() -> set[str]:
    """Return the ids of the drafts for whose verdict this run was suspended, since it began or began anew."""
    context = FlowRunContext.get()
    keys = (context.flow_run.empirical_policy.pause_keys if context and context.flow_run else None) or set[str]()
    # The keys of forms are of small letters, and end with the number of the question.
    stamps = (key.rpartition("-")[0].partition("-") for key in keys)
    return {id_ for stamp, dash, tail in stamps if is_snapshot_id(id_ := f"{stamp.upper()}{dash}{tail}")}


def facts(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as rows of a table."""
    return [
        {
            "finding": finding.name,
            "before": finding.before,
            "after": finding.after,
            "lost": finding.lost if finding.before is not None else None,
            "message": shown(finding.message, _CHARACTERS),
        }
        for finding in findings
    ]


def held_error(lake: LakeLocation, held: HeldDraft) -> HeldError:
    """Return the error with which a run ends that cannot wait for a verdict: it says how to give one."""
    asked = held.questions
    told = listed(asked, NAMED)
    said = [str(finding) for finding in told]
    if rest := further(asked, len(told)):
        said.append(rest)
    again = [f"It is held again in the place of {held.again}: {held.reason}."] if held.again else []
    advice = [
        *again,
        *_waits(lake, held, "It"),
        f'The parameter of a deployment is decide={{"draft": "{held.id}", "publish": true, "reason": "WHY"}}.',
    ]
    return HeldError(held.id, held.parent.snapshot if held.parent else None, said, advice)


def left_error(lake: LakeLocation, held: HeldDraft) -> LakeError:
    """Return the error with which a command ends after a person has seen the findings and left the draft waiting."""
    return LakeError(
        "\n".join(_waits(lake, held, f"{held.id}, held because of {counted(len(held.questions), 'finding')},"))
    )


def _waits(lake: LakeLocation, held: HeldDraft, what: str) -> list[str]:
    """Say of a draft until when it waits, and by which commands it is decided."""
    ways = (*decide_commands(lake, held.id), approve_command(lake, held.id))
    said = f"{what} waits for you until {until(held)}. Publish it, drop it, or see all of it:"
    return [said, *(f"  {way}" for way in ways)]


def tell_held(lake: LakeLocation, held: HeldDraft) -> UUID | None:
    """Say by an artifact, an event and the run's log that a draft waits for a verdict; return the artifact's id."""
    store, command = lake.open(), approve_command(lake, held.id)
    asked = held.questions
    others = [finding for finding in held.findings if finding not in asked]
    description = (
        f"Draft {cell(held.id)} of {cell(store.uri())} is held until {until(held)}, because of"
        f" {counted(len(asked), 'finding')}; show it and decide it by `{command}`."
    )
    rows = [{"level": finding.level, **row} for finding, row in zip(held.findings, facts(held.findings), strict=True)]
    order = [held.findings.index(finding) for finding in (*asked, *others)]
    artifact = None
    with harmless("what is held"):
        artifact = create("table", held_key(lake), description, json.dumps([rows[place] for place in order]))
    report_held(store.uri(), held.id, [str(finding) for finding in asked], command, until(held))
    note(f"held: draft {held.id} waits for a verdict until {until(held)}, because of {counted(len(asked), 'finding')}")
    return artifact.id if artifact else None


def held_key(lake: LakeLocation) -> str:
    """Return the key of the artifact that has all findings of what is held in a lake."""
    return artifact_key("held", lake.place())


def described(lake: LakeLocation, held: HeldDraft, artifact: UUID | None = None, refused: str = "") -> str:
    """Return what waits as Markdown: why, the largest losses as a table, and the artifact that has all of them.

    Without the artifact's id the link leads to its versions. `refused` says why an answer was not taken.
    """
    asked, key = held.questions, held_key(lake)
    told = listed(asked, NAMED)
    rest, shown_by = further(asked, len(told)), f"`{approve_command(lake, held.id)}`"
    seen = f"readers still see {cell(held.parent.snapshot)}" if held.parent else "nothing was ever published here"
    lines = [f"**Your answer was not taken:** {cell(refused)}", ""] if refused else []
    lines += [
        f"Draft **{cell(held.id)}** of {cell(lake.open().uri())} is held until {until(held)}, because of"
        f" {counted(len(asked), 'finding')}; {seen}. All of it is in {_link(key, artifact)}.",
        *(["", f"It is held again in the place of {cell(held.again)}: {cell(held.reason)}."] if held.again else []),
        "",
        "| finding | before | after | lost |",
        "| --- | ---: | ---: | ---: |",
        *map(_row, told),
        "",
        f"{rest.capitalize()}. On a terminal: {shown_by}" if rest else f"On a terminal: {shown_by}",
    ]
    return "\n".join(lines)


def _row(finding: Finding) -> str:
    numbers = (finding.before or 0, finding.after or 0, finding.lost)
    return f"| {cell(finding.name)} | {' | '.join(map(cell, numbers))} |"


def _link(key: str, artifact: UUID | None) -> str:
    """Return a link to an artifact, or its name where the address of the UI is not known."""
    run = url_for("flow-run", obj_id=runtime.flow_run.id) if runtime.flow_run.id else None
    base = (run or "").partition("/runs/")[0]
    page = f"artifact/{artifact}" if artifact else f"key/{key}"
    return f"[the artifact {key}]({base}/artifacts/{page})" if base else f"the artifact `{key}`"


def clean_drafts(lake: LakeLocation) -> None:
    """Remove the held drafts that are decided or expired, and say how each ended; a run that waits for one ends."""
    store = lake.open()
    runs = {standing.draft.id: flow_run_of(standing.draft) for standing in held_drafts(store)}
    if not runs:
        return
    for cleaned in clean_held(store):
        note(str(cleaned))
        report_draft_ended(store.uri(), cleaned.draft, cleaned.outcome, cleaned.verdict)
        if (run := runs.get(cleaned.draft)) is not None and str(run) != runtime.flow_run.id:
            _release(run, str(cleaned))


def _release(run: UUID, why: str) -> None:
    """End a suspended run, because nobody can answer it any more; it, or one that was cancelled, is held no longer."""
    with harmless("the end of a run that waited"):
        client = client_of_run()
        try:
            found = client.read_flow_run(run)
        except ObjectNotFound:
            # The draft was held by a run of another server.
            return
        if found.state is not None and found.state.is_paused():
            client.set_flow_run_state(run, Cancelled(message=why))
        elif found.state is None or not found.state.is_final():
            return
        if HELD_TAG in found.tags:
            client.update_flow_run(run, tags=[tag for tag in found.tags if tag != HELD_TAG])
