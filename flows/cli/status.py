"""The command that says how a lake is: what readers see, what runs, and what waits for a verdict."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from flows.cli.api import ApiError, reach_prefect, tried
from flows.cli.costs import dollars, measure, price_of, requests_in
from flows.cli.held import show_facts
from flows.cli.known import PAGE, due, is_of, our_flows, stands, tagged
from flows.cli.options import located
from flows.cli.runs import read_runs
from lake.bucket import LAKE_BLOCK
from lake.cli.options import Bucket, Json, LakeBlock, Prefix
from lake.cli.say import say, say_json
from lake.text import counted, minute

if TYPE_CHECKING:
    from flows.steps.parameters import LakeLocation
    from lake.assemble.held import HeldDraft

# Findings of what waits; `pokelake approve` shows all.
SHOWN = 10

# Runs that are looked at; the youngest first.
MOST_RUNS = 20

# Runs among which the last one that left its numbers is looked for; one that was killed left none.
LAST_RUNS = 5

app = typer.Typer()


@app.command()
def status(bucket: Bucket = None, prefix: Prefix = "", lake: LakeBlock = LAKE_BLOCK, as_json: Json = False) -> None:
    """Say what readers see, what runs, what S3 costs, and what waits for a verdict: why, until when, how to decide it.

    With --bucket it says what lies in the lake also while Prefect's API cannot be used.
    """
    trouble = tried(reach_prefect, bucket)
    from lake.assemble.held import waiting
    from lake.commit import head

    at = located(lake, bucket, prefix)
    store = at.open()
    commit, held = head(store), waiting(store)
    answer = tried(lambda: read_unfinished(at), bucket) if trouble is None else trouble
    runs, trouble = (None, answer) if isinstance(answer, ApiError) else (answer, None)
    storage, last = measure(store), None
    if runs is not None:
        found_last = tried(lambda: read_last(at.place()), bucket)
        last = None if isinstance(found_last, ApiError) else found_last
    if as_json:
        seen = commit and {
            "snapshot": commit.snapshot,
            "seq": commit.seq,
            "committed_at": commit.committed_at,
            "version": commit.source.version,
            "restores": commit.restores and asdict(commit.restores),
        }
        found: dict[str, Any] = {"lake": store.uri(), "readers": seen, "runs": runs, "held": held and _facts(at, held)}
        found |= {"storage": storage.facts() if storage else None, "last_run": last}
        if trouble:
            found["trouble"] = trouble.why
        say_json(json.dumps(found, ensure_ascii=False))
        return
    say(f"lake     {store.uri()}")
    seen_since = commit and minute(datetime.fromisoformat(commit.committed_at))
    say(f"readers  {f'{commit.snapshot}, published {seen_since}' if commit else 'nothing was ever published'}")
    if commit and commit.restores:
        say(f"         {commit.restores}")
    for run in runs or ():
        say(f"run      {_called(run)}: {run['said']}")
    if not runs:
        unknown = f"not known: {trouble.why if trouble else 'PREFECT_API_URL is not set'}"
        say(f"run      {'none' if runs is not None else unknown}")
    say(f"storage  {storage.line() if storage else 'not known: its objects may not be listed'}")
    if last is not None:
        said = f"{counted(last['requests'], 'request')} to S3 by {last['name']}"
        say(f"requests {said}; {dollars(last['dollars'])} at list price")
    if held is None:
        say("waits    nothing")
        return
    _say_held(at, held)


def _say_held(lake: "LakeLocation", held: "HeldDraft") -> None:
    from flows.steps.held import decide_commands, until

    say(f"waits    {held.id}, until {until(held)}")
    say(f"         held by {held.run.get('flow_run_name') or 'a run without a name'}")
    if held.again:
        say(f"         again, in the place of {held.again}: {held.reason}")
    say(f"         because of {counted(len(held.questions), 'finding')}:\n")
    show_facts(held, SHOWN)
    say("\n".join(("\ndecide by", *(f"  {command}" for command in decide_commands(lake, held.id)))))


def _facts(lake: "LakeLocation", held: "HeldDraft") -> dict[str, Any]:
    from flows.steps.held import decide_commands, facts

    return {
        "draft": held.id,
        "since": held.created_at.isoformat(timespec="seconds"),
        "deadline": held.deadline.isoformat(timespec="seconds"),
        "parent": held.parent and held.parent.snapshot,
        "version": held.version,
        "run": held.run,
        "again": held.again,
        "reason": held.reason,
        "findings": facts(held.questions),
        "commands": decide_commands(lake, held.id),
    }


def read_unfinished(lake: "LakeLocation") -> list[dict[str, Any]] | None:
    """Return the runs of a lake that have begun and not ended, or are due; None if no server can be asked.

    The youngest comes first. What is scheduled for later is none of them.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterNextScheduledStartTime,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import TERMINAL_STATES, StateType
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.settings import get_current_settings

    from flows.steps.watch import UNFINISHED

    if not get_current_settings().api.url:
        return None
    place, newest = lake.place(), FlowRunSort.START_TIME_DESC
    taken = FlowRunFilterStateType(not_any_=[*TERMINAL_STATES, StateType.SCHEDULED])
    planned = FlowRunFilterStateType(any_=[StateType.SCHEDULED])
    untold = (
        FlowRunFilter(state=FlowRunFilterState(type=taken)),
        FlowRunFilter(
            state=FlowRunFilterState(type=planned),
            next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=datetime.now(UTC)),
        ),
    )
    with get_client(sync_client=True) as client:
        flows = {flow.id: flow.name for flow in client.read_flows(flow_filter=our_flows())}
        runs = client.read_flow_runs(flow_run_filter=tagged(place, state=UNFINISHED), sort=newest, limit=MOST_RUNS)
        for one in untold:
            runs += client.read_flow_runs(flow_filter=our_flows(), flow_run_filter=one, sort=newest, limit=PAGE)
    found = {run.id: run for run in runs if is_of(run, place)}
    order = sorted(found.values(), key=lambda run: str(run.start_time or run.expected_start_time), reverse=True)
    return [
        {
            "id": str(run.id),
            "name": run.name,
            "flow": flows.get(run.flow_id),
            "state": run.state_name,
            "since": run.state.timestamp.isoformat(timespec="seconds") if run.state else None,
            "due": planned_for.isoformat(timespec="seconds") if (planned_for := due(run)) else None,
            "said": stands(run),
        }
        for run in order[:MOST_RUNS]
    ]


def read_last(place: str) -> dict[str, Any] | None:
    """Return the requests to S3 of the last run that left its numbers, and their price; None if none did."""
    for run in read_runs(place, LAST_RUNS):
        if run["s3_requests"] is not None:
            requests = requests_in(run)
            facts = {"name": run["name"], "requests": run["s3_requests"], "dollars": round(price_of(requests), 6)}
            return {**facts, "by_kind": requests}
    return None


def _called(run: dict[str, Any]) -> str:
    """Return the name of a run; one that has not begun has a random one, which does not say its flow."""
    flow, name = run["flow"], run["name"]
    return f"{flow} ({name})" if flow and not name.startswith(flow) else str(name)
