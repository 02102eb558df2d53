"""Telling a run that crawls what to do: its pace, or its end."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import typer

from flows.cli.api import reach_prefect
from flows.cli.say import say
from lake.errors import UnknownNameError

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
    what: Annotated[What, typer.Argument(help="Half the pace, twice the pace, an early end, or how far it is.")],
) -> None:
    """Change the pace of a running crawl within seconds, or end it after its shards under way; no other run changes."""
    reach_prefect()
    from prefect.input import send_input

    from flows.steps.orders import Order

    found = _found(run)
    if what is What.STATUS:
        say(_status(found))
        return
    send_input(Order(order=what.value), flow_run_id=found.id)
    say(f"told {found.name}: {what.value}; its log says what it makes of it")


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
    """Say in one line how far a run is."""
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
    far = f"; {artifacts[0].description or ''} ({artifacts[0].data:.0f} %)" if artifacts else ""
    since = f" since {run.start_time:%Y-%m-%d %H:%M:%S} UTC" if run.start_time else ""
    return f"{run.name}: {run.state_name}{since}{far}"
