"""Telling a run that crawls what to do, its pace or its end, or asking it how far it is; and what it answers."""

import time
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

from flows.cli.api import reach_prefect
from flows.cli.known import ending, is_of, our_flows, stands
from flows.cli.options import located
from lake.cli.say import say
from lake.errors import LakeError
from lake.text import shown

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

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
    lake: Annotated[
        str | None,
        typer.Option(envvar="POKELAKE_LAKE", help="Block of the lake that the run is of. Default: any lake."),
    ] = None,
) -> None:
    """Change the pace of a running crawl, end it, or ask how far it is, and print its answer; no other run changes."""
    reach_prefect()
    from prefect.input import send_input

    from flows.steps.orders import Order

    place = located(lake, None, "").place() if lake else None
    found, sender = _found(run, place), f"tell-{uuid4()}"
    is_running = found.state is not None and found.state.is_running()
    if not _has_ended(found) and (is_running or what is not What.STATUS):
        send_input(Order(order=what.value), flow_run_id=found.id, sender=sender)
    if is_running:
        if (answer := _answer(found.id, sender)) is not None:
            say(f"{found.name}: {answer}")
            return
        # It may have ended instead of answering, perhaps because it was told to.
        found = _found(str(found.id), place)
    if _has_ended(found):
        if what is not What.STATUS and not is_running:
            raise LakeError(f"{found.name}: {ending(found)}; {_running(place)}")
        say(f"{found.name}: {ending(found)}\n{_running(place)}")
        return
    say(_status(found))
    why = f"no answer came within {ANSWER_SECONDS:.0f} s" if is_running else "it does not run now"
    if what is What.STATUS:
        say(f"{why}; only a run that crawls answers" if is_running else why)
    else:
        say(f"{why}: a run takes {what.value!r} only while it crawls, and keeps it until then; do not say it again")


def _has_ended(run: "FlowRun") -> bool:
    return run.state is not None and run.state.is_final()


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


def _found(run: str, place: str | None) -> "FlowRun":
    """Return the flow run with this id, or the one of this name: one that runs now, or has not ended, or the last.

    A place is that of the lake whose run is meant.

    Raises:
        LakeError: There is none.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    from flows.steps.watch import UNFINISHED

    try:
        named: dict[str, Any] = {"id": FlowRunFilterId(any_=[UUID(run)])}
    except ValueError:
        named = {"name": FlowRunFilterName(any_=[run])}
    with get_client(sync_client=True) as client:
        read = partial(client.read_flow_runs, sort=FlowRunSort.START_TIME_DESC, limit=MOST_RUNS)
        found = read(flow_run_filter=FlowRunFilter(**named, state=UNFINISHED)) or read(
            flow_run_filter=FlowRunFilter(**named)
        )
    found = _of(place, found)
    if not found:
        raise LakeError(f"no flow run {shown(repr(run))}; {_running(place)}")
    return next((one for one in found if one.state is not None and one.state.is_running()), found[0])


def _of(place: str | None, runs: list["FlowRun"]) -> list["FlowRun"]:
    return [run for run in runs if place is None or is_of(run, place)]


def _running(place: str | None) -> str:
    """Name the runs of our flows that run now, of one lake or of any."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    running = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_filter=our_flows(),
            flow_run_filter=FlowRunFilter(state=running),
            sort=FlowRunSort.START_TIME_DESC,
            limit=MOST_RUNS,
        )
    return f"running now: {', '.join(shown(run.name) for run in _of(place, found)) or 'none'}"


def _status(run: "FlowRun") -> str:
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
    return f"{run.name}: {stands(run)}{far}"
