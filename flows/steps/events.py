"""The events that the flows emit, for automations to act on."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from prefect import runtime
from prefect.client.schemas import FlowRun
from prefect.events import emit_event

from flows.steps.artifacts import show_snapshot
from flows.steps.assets import record_assets
from flows.steps.catalog import show_in_catalog
from flows.steps.parameters import LakeLocation
from lake.bucket import flags_of
from lake.commit import Commit
from lake.text import minute, shown
from lake.verdict import Verdict

PUBLISHED = "pokelake.snapshot.published"
DISCOVERED = "pokelake.pokemon.discovered"
VANISHED = "pokelake.documents.vanished"

# A refresh that ends well emits this, whether it had something to publish or not.
LAKE_CURRENT = "pokelake.lake.current"

# A snapshot is held until a person decides; and how that ended, as `outcome`: published, dropped, expired, superseded.
DRAFT_HELD = "pokelake.draft.held"
DRAFT_ENDED = "pokelake.draft.ended"

# A crawl emits this at most every half minute, when more documents are done than the last time.
DOCUMENTS_PROGRESS = "pokelake.crawl.progress"

# A run has ended, and these are its numbers.
RUN_MEASURED = "pokelake.run.measured"

# A run failed, and may go well when it starts again, without anybody mending something.
MAY_GO_WELL = "pokelake.run.may-go-well"

# A published snapshot has warnings about its source's shape that its parent did not have.
DRIFT_FOUND = "pokelake.drift.found"

# Findings that an event names; the commit or the draft has all.
NAMED = 10

# The label of a draft's event that has the address of its lake. The automation that tells of drafts matches it.
LAKE = "pokelake.lake"

# The label of a published snapshot's event that names the lake's block. The trigger in prefect.yaml matches it, because
# a server may have runs of other lakes, and `report` reads the lake of its own block.
LAKE_BLOCK = "pokelake.lake.block"


def announce(lake: LakeLocation, commit: Commit, parent: Commit | None, pokemon: Mapping[int, str]) -> None:
    """Say that a snapshot was published, name each Pokémon that its parent did not have, and record its tables.

    Prefect records them, and the catalog that follows the lake, if there is one.
    """
    facts = {"lake": lake.open().uri(), "seq": commit.seq, "snapshot": commit.snapshot, "parent": commit.parent}
    block = {LAKE_BLOCK: lake.block} if lake.bucket is None else {}
    emit_event(
        PUBLISHED,
        resource={"prefect.resource.id": f"pokelake.snapshot.{commit.snapshot}", **block},
        payload={**facts, "changes": dict(commit.totals())},
    )
    for id_, given in pokemon.items():
        name = shown(given)
        emit_event(
            DISCOVERED,
            resource={"prefect.resource.id": f"pokelake.pokemon.{id_}", "prefect.resource.name": name},
            payload={"id": id_, "name": name, "snapshot": commit.snapshot},
        )
    show_in_catalog(lake)
    record_assets(lake, commit)
    show_snapshot(lake, commit, parent, pokemon)


def report_current(uri: str, snapshot: str) -> None:
    """Say that a refresh of this lake ended well, and which snapshot readers see; an automation waits for it."""
    payload = {"snapshot": snapshot, "flags": flags_of(uri)}
    emit_event(LAKE_CURRENT, resource={"prefect.resource.id": f"pokelake.lake.{uri}"}, payload=payload)


def report_held(uri: str, draft: str, findings: Sequence[str], command: str, until: str) -> None:
    """Say that a draft of this lake waits for a verdict, and what was found in it.

    The command shows it; with a flag more it decides it.
    """
    facts = {"findings": len(findings), "first": list(map(shown, findings[:NAMED])), "command": command, "until": until}
    _report_draft(DRAFT_HELD, uri, draft, facts)


def report_draft_ended(uri: str, draft: str, outcome: str, verdict: Verdict) -> None:
    """Say how a held draft ended (published, dropped, expired or superseded), and when, by whom and why it was decided.

    That may have been long ago, because what is decided while Prefect is away is told by the next run.
    """
    facts = {"outcome": outcome, "by": verdict.by, "at": _minute(verdict.at), "reason": shown(verdict.reason)}
    _report_draft(DRAFT_ENDED, uri, draft, facts)


def _minute(at: str) -> str:
    """Return the time of a verdict to the minute; what is none, as it stands, because others may write there."""
    try:
        return minute(datetime.fromisoformat(at))
    except (ValueError, OverflowError):
        return at


def _report_draft(event: str, uri: str, draft: str, facts: Mapping[str, object]) -> None:
    payload = {"lake": uri, "flags": flags_of(uri), "draft": draft, "run": runtime.flow_run.id, **facts}
    emit_event(event, resource={"prefect.resource.id": f"pokelake.draft.{draft}", LAKE: uri}, payload=payload)


def report_progress(done: int, total: int, rate: float) -> None:
    """Say how many documents of a run's crawl are done, and how many a second; an automation waits for the next time.

    The event is about the run, as those of its states are, so that one trigger can wait for either.
    """
    if run := runtime.flow_run.id:
        resource = {"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.state-type": "RUNNING"}
        emit_event(
            DOCUMENTS_PROGRESS, resource=resource, payload={"done": done, "total": total, "rate": round(rate, 1)}
        )


def report_measured(uri: str, flow: str, outcome: str, facts: Mapping[str, object]) -> None:
    """Say how a run of this lake ended, and its numbers."""
    payload = {"flow": flow, "outcome": outcome, "run": runtime.flow_run.id, **facts}
    emit_event(RUN_MEASURED, resource={"prefect.resource.id": f"pokelake.lake.{uri}"}, payload=payload)


def report_may_go_well(run: FlowRun) -> None:
    """Say that a failed run may go well when it starts again; an automation starts it, unless it began too often."""
    labels = {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.run-count": str(run.run_count)}
    emit_event(MAY_GO_WELL, resource=labels)


def report_drift(uri: str, snapshot: str, findings: Sequence[str]) -> None:
    """Name what a published snapshot's audits found for the first time about the shape of its source."""
    payload = {
        "lake": uri,
        "flags": flags_of(uri),
        "snapshot": snapshot,
        "findings": len(findings),
        "first": list(map(shown, findings[:NAMED])),
    }
    emit_event(DRIFT_FOUND, resource={"prefect.resource.id": f"pokelake.snapshot.{snapshot}"}, payload=payload)


def report_vanished(base_url: str, paths: Sequence[str]) -> None:
    """Name the documents that the lake has and its source no longer lists."""
    payload = {"documents": list(map(shown, paths))}
    emit_event(VANISHED, resource={"prefect.resource.id": f"pokelake.source.{base_url}"}, payload=payload)
