"""The command that says how a lake is: what readers see, what runs, and what waits for a verdict."""

import json
from typing import TYPE_CHECKING, Any

import typer

from flows.cli.api import ApiError, reach_prefect, tried
from flows.cli.held import show_facts
from flows.cli.options import Bucket, Json, Prefix
from flows.cli.say import say, say_json
from lake.text import counted, listed

if TYPE_CHECKING:
    from flows.steps.parameters import LakeLocation
    from lake.assemble.held import HeldDraft

# Findings of what waits; `pokelake approve` shows all.
SHOWN = 10

# Runs that are looked at; the youngest first.
MOST_RUNS = 20

app = typer.Typer()


@app.command()
def status(bucket: Bucket = None, prefix: Prefix = "", as_json: Json = False) -> None:
    """Say what readers see, what runs, and what waits for a verdict: why, until when, and how to decide it.

    With --bucket it says what lies in the lake also while Prefect's API cannot be used.
    """
    trouble = tried(reach_prefect, bucket)
    from flows.steps.parameters import LakeLocation
    from lake.assemble.held import waiting
    from lake.commit import head

    lake = LakeLocation(bucket=bucket, prefix=prefix)
    store = lake.open()
    commit, held = head(store), waiting(store)
    answer = tried(lambda: read_unfinished(lake), bucket) if trouble is None else trouble
    runs, trouble = (None, answer) if isinstance(answer, ApiError) else (answer, None)
    if as_json:
        seen = commit and {
            "snapshot": commit.snapshot,
            "seq": commit.seq,
            "committed_at": commit.committed_at,
            "version": commit.source.version,
        }
        found = {"lake": store.uri(), "readers": seen, "runs": runs, "held": held and _facts(lake, held)}
        if trouble:
            found["trouble"] = trouble.why
        say_json(json.dumps(found, ensure_ascii=False))
        return
    say(f"lake     {store.uri()}")
    say(f"readers  {f'{commit.snapshot}, published {commit.committed_at}' if commit else 'nothing was ever published'}")
    for run in runs or ():
        say(f"run      {run['name']}: {run['state']}{f' since {since}' if (since := run['since']) else ''}")
    if not runs:
        unknown = f"not known: {trouble.why if trouble else 'PREFECT_API_URL is not set'}"
        say(f"run      {'none' if runs is not None else unknown}")
    if held is None:
        say("waits    nothing")
        return
    _say_held(lake, held)


def _say_held(lake: "LakeLocation", held: "HeldDraft") -> None:
    from flows.steps.held import decide_commands, until

    say(f"waits    {held.id}, until {until(held)}")
    say(f"         held by {held.run.get('flow_run_name') or 'a run without a name'}")
    if held.again:
        say(f"         again, in the place of {held.again}: {held.reason}")
    say(f"         because of {counted(len(held.questions), 'finding')}:\n")
    show_facts(held, len(listed(held.questions, SHOWN)))
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
    """Return the runs of a lake that have begun and not ended, the youngest first; None if no server can be asked."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.settings import get_current_settings

    from flows.steps.watch import LAKE_TAG, UNFINISHED

    if not get_current_settings().api.url:
        return None
    wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{LAKE_TAG}{lake.place()}"]), state=UNFINISHED)
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.START_TIME_DESC, limit=MOST_RUNS)
    return [
        {
            "id": str(run.id),
            "name": run.name,
            "state": run.state_name,
            "since": run.state.timestamp.isoformat(timespec="seconds") if run.state else None,
        }
        for run in found
    ]
