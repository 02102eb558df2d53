"""The command that lists the last runs of a lake: what Prefect knows of each, and the numbers that it left there."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.api import reach_prefect
from flows.cli.known import FLOWS, PAGE, is_of, message, our_flows, tagged
from flows.cli.options import located
from lake.bucket import LAKE_BLOCK
from lake.cli.options import Bucket, Json, LakeBlock, Prefix
from lake.cli.say import say, say_json

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

app = typer.Typer()

# What a person reads of a run, and the heads of the columns, which leave room for all in 80 characters.
WORDS = {"start": "start", "flow": "flow", "outcome": "outcome"}
NUMBERS = {
    "documents": "documents",
    "requests": "requests",
    "s3_requests": "S3",
    "seconds": "seconds",
    "peak_mb": "MB",
}

# Between two columns.
_GAP = "  "

# Less of a reason says nothing, however narrow the terminal.
_LEAST_WHY = 20


@app.command()
def runs(
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    limit: Annotated[int, typer.Option(min=1, max=PAGE, help="Runs to print.")] = 20,
    as_json: Json = False,
) -> None:
    """List the last runs of the lake, also those that were killed: outcome, documents, requests, seconds, memory."""
    reach_prefect()
    at = located(lake, bucket, prefix)
    at.open()
    found = read_runs(at.place(), limit)
    if as_json:
        say_json(json.dumps(found, ensure_ascii=False))
        return
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    say("\n".join(table(found, room)) if found else "no run of this lake has begun yet")


def table(found: Sequence[dict[str, Any]], room: int | None) -> Iterator[str]:
    """Yield the lines of a table of runs; why one ended badly stands in the place of its numbers, or below them.

    A line is cut where the terminal's room ends.
    """
    rows = [
        [_minute(run["start"]), run["flow"], run["outcome"], *(_number(run[name]) for name in NUMBERS)] for run in found
    ]
    heads = [*WORDS.values(), *NUMBERS.values()]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    indent, below = sum(widths[: len(WORDS)]) + len(_GAP) * len(WORDS), widths[0] + len(_GAP)
    yield _aligned(heads, widths)
    yield "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    for run, row in zip(found, rows, strict=True):
        why = run["why"] or ""
        if all(run[name] is None for name in NUMBERS):
            yield f"{_aligned(row[: len(WORDS)], widths):{indent}}{_cut(why, room and room - indent)}".rstrip()
            continue
        yield _aligned(row, widths)
        if why:
            yield f"{' ' * below}{_cut(why, room and room - below)}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        f"{cell:<{width}}" if place < len(WORDS) else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    return _GAP.join(aligned).rstrip()


def _minute(moment: str | None) -> str:
    """Return a moment as month, day and minute, in UTC."""
    return moment[5:16].replace("T", " ") if moment else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"


def _cut(text: str, room: int | None) -> str:
    most = len(text) if room is None else max(room, _LEAST_WHY)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def read_runs(place: str, limit: int) -> list[dict[str, Any]]:
    """Return the last runs of a lake, the newest first: what Prefect knows of each, and its numbers.

    A run that was killed left none. One that was suspended, or began again, left some each time: they are added up.
    """
    from prefect.client.orchestration import get_client

    from flows.steps.outcome import published_by

    with get_client(sync_client=True) as client:
        flows = client.read_flows(flow_filter=our_flows())
        names = {flow.id: flow.name for flow in flows}
        found = _flow_runs(client, place, limit)
        numbers = _numbers(client, place, found)
    rows = []
    for run in found:
        of_run, state = numbers.get(str(run.id), {}), run.state
        assert state is not None, "a run that began has a state"
        start, end = run.start_time or run.expected_start_time, run.end_time
        rows.append(
            {
                "id": str(run.id),
                "name": run.name,
                "flow": names.get(run.flow_id, ""),
                "lake": place,
                "outcome": _outcome(state, of_run.pop("outcome", None)),
                "state": state.name,
                "why": _why(state),
                "snapshot": published_by(state),
                "start": start and start.isoformat(timespec="seconds"),
                "end": end and end.isoformat(timespec="seconds"),
                **dict.fromkeys(NUMBERS),
                **of_run,
            }
        )
    return rows


def _flow_runs(client: "SyncPrefectClient", place: str, limit: int) -> list["FlowRun"]:
    """Return the last runs of a lake that have begun, and those that died before they could say whose they are."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    newest = FlowRunSort.START_TIME_DESC
    begun = client.read_flow_runs(flow_run_filter=tagged(place), sort=newest, limit=limit)
    dead = [StateType.CRASHED, StateType.FAILED, StateType.CANCELLED]
    others = client.read_flow_runs(
        flow_filter=our_flows(),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=dead))),
        sort=newest,
        limit=PAGE,
    )
    found = {run.id: run for run in (*begun, *(run for run in others if is_of(run, place)))}
    order = sorted(found.values(), key=lambda run: str(run.start_time or run.expected_start_time), reverse=True)
    return order[:limit]


def _numbers(client: "SyncPrefectClient", place: str, found: Sequence["FlowRun"]) -> dict[str, dict[str, Any]]:
    """Return the numbers that runs left in Prefect, by the id of the run, with their last outcome."""
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    from flows.steps.artifacts import artifact_key

    wanted = ArtifactFilter(
        key=ArtifactFilterKey(any_=[artifact_key(f"run-{flow}", place) for flow in FLOWS]),
        flow_run_id=ArtifactFilterFlowRunId(any_=[run.id for run in found]),
    )
    numbers = dict[str, dict[str, Any]]()
    for start in range(0, len(found) * len(FLOWS), PAGE):
        artifacts = client.read_artifacts(
            artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC, limit=PAGE, offset=start
        )
        for artifact in artifacts:
            left = {row["what"]: row["value"] for row in json.loads(str(artifact.data))}
            total = numbers.setdefault(str(artifact.flow_run_id), {"outcome": left.get("outcome")})
            for name, value in left.items():
                if isinstance(value, int | float):
                    before = total.get(name, 0)
                    total[name] = max(before, value) if name == "peak_mb" else round(before + value, 1)
        if len(artifacts) < PAGE:
            break
    return numbers


def _outcome(state: "State[Any]", left: str | None) -> str:
    """Return in one word how a run ended or what it does; a held one failed on a terminal, and else is suspended."""
    from flows.steps.outcome import Outcome, outcome_of

    if state.is_paused() or (state.is_failed() and left == Outcome.HELD):
        return Outcome.HELD
    return outcome_of(state) if state.is_final() else state.type.value.lower()


def _why(state: "State[Any]") -> str | None:
    """Return why a run ended badly, in one line; None if it did not."""
    return None if state.is_completed() or not state.is_final() else message(state)
