"""Telling a run that crawls what to do, its pace or its end, or asking it how far it is; and what it answers."""

import time
from enum import StrEnum
from functools import partial
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer

from flows.cli.api import reach_prefect
from flows.cli.say import say
from lake.errors import UnknownNameError

# A run that crawls looks for orders every three seconds, and Prefect may be busy.
ANSWER_SECONDS = 15.0
POLL_SECONDS = 0.5

# Runs of this name that are looked at; the youngest first.
MOST_RUNS = 20

app = typer.Typer()


class What(StrEnum):
    """What a run can be told, or asked."""

    SLOWER = "slower"
    FASTER = "faster"
    STOP = "stop"
    STATUS = "status"


@app.command()
def tell(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Name or id of a flow run.")],
    what: Annotated[What, typer.Argument(help="Half the pace, twice the pace, an early end, or: how far is it?")],
) -> None:
    """Change the pace of a running crawl, end it, or ask how far it is, and print its answer; no other run changes."""
    reach_prefect()
    from prefect.input import send_input

    from flows.steps.orders import Order

    found, sender = _found(run), f"tell-{uuid4()}"
    is_running = found.state is not None and found.state.is_running()
    if is_running or what is not What.STATUS:
        send_input(Order(order=what.value), flow_run_id=found.id, sender=sender)
    if is_running and (answer := _answer(found.id, sender)) is not None:
        say(f"{found.name}: {answer}")
        return
    say(_status(found))
    why = f"no answer came within {ANSWER_SECONDS:.0f} s" if is_running else "it does not run now"
    if what is What.STATUS:
        say(f"{why}; only a run that crawls answers" if is_running else why)
    else:
        say(f"{why}: a run takes {what.value!r} only while it crawls, and keeps it until then; do not say it again")


def _answer(run: UUID, sender: str) -> str | None:
    """Wait for what a run answers, and return it; None if nothing came in time."""
    from prefect.input.actions import delete_flow_run_input, read_flow_run_input

    from flows.steps.orders import answer_key

    until, key = time.monotonic() + ANSWER_SECONDS, answer_key(sender)
    while (answer := read_flow_run_input(key, flow_run_id=run)) is None:
        if time.monotonic() >= until:
            return None
        time.sleep(POLL_SECONDS)
    delete_flow_run_input(key, flow_run_id=run)
    return str(answer)


def _found(run: str) -> Any:
    """Return the youngest flow run of this name, or the one with this id, that has not ended.

    Raises:
        UnknownNameError: There is none.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    from flows.steps.watch import UNFINISHED

    try:
        named = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run)]), state=UNFINISHED)
    except ValueError:
        named = FlowRunFilter(name=FlowRunFilterName(any_=[run]), state=UNFINISHED)
    with get_client(sync_client=True) as client:
        read = partial(client.read_flow_runs, sort=FlowRunSort.START_TIME_DESC, limit=MOST_RUNS)
        if found := read(flow_run_filter=named):
            return found[0]
        others = read(flow_run_filter=FlowRunFilter(state=UNFINISHED))
    raise UnknownNameError("unfinished flow run", run, [one.name for one in others])


def _status(run: Any) -> str:
    """Say in one line what Prefect knows of a run: its state, and how far its crawl was when it last said so."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterType
    from prefect.client.schemas.sorting import ArtifactSort

    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(
            artifact_filter=ArtifactFilter(
                flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]), type=ArtifactFilterType(any_=["progress"])
            ),
            sort=ArtifactSort.UPDATED_DESC,
            limit=1,
        )
    far = (
        f"; the last that Prefect heard: {artifacts[0].description or ''} ({artifacts[0].data:.0f} %)"
        if artifacts
        else ""
    )
    since = f" since {run.start_time:%Y-%m-%d %H:%M:%S} UTC" if run.start_time else ""
    return f"{run.name}: {run.state_name}{since}{far}"
