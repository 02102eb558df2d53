"""What Prefect knows of runs: of which lake each is, how it stands, since when, and why it ended."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import lake.errors
from lake.text import counted, minute, shown

if TYPE_CHECKING:
    from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
    from prefect.client.schemas.objects import FlowRun, State

# The flows that work on a lake.
FLOWS = ("refresh", "discover", "rebuild", "maintain", "report", "verify", "restore")

# The most runs or artifacts that Prefect returns at once.
PAGE = 200

# States of a run that is to begin, in which nothing but a worker is lacking.
_NOT_TAKEN = ("Scheduled", "Late")

_HELD = re.compile(r"(?P<draft>\S+) is held and was not published; ")
_FURTHER = re.compile(r"- and ([\d,]+) further finding")


def our_flows() -> "FlowFilter":
    """Return the filter of the flows that work on a lake."""
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    return FlowFilter(name=FlowFilterName(any_=list(FLOWS)))


def tagged(place: str, **more: Any) -> "FlowRunFilter":
    """Return the filter of the runs of a lake that have begun, which say by a tag whose they are."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags

    from flows.steps.watch import LAKE_TAG

    return FlowRunFilter(tags=FlowRunFilterTags(all_=[f"{LAKE_TAG}{place}"]), **more)


def is_of(run: "FlowRun", place: str) -> bool:
    """Tell whether a run is one of a lake: by its tag, or, if it has not begun, by its parameter `lake`."""
    from flows.steps.parameters import LakeLocation
    from flows.steps.watch import LAKE_TAG

    if tags := [tag for tag in run.tags if tag.startswith(LAKE_TAG)]:
        return f"{LAKE_TAG}{place}" in tags
    given = run.parameters.get("lake")
    return isinstance(given, dict | None) and LakeLocation.model_construct(**(given or {})).place() == place


def due(run: "FlowRun") -> datetime | None:
    """Return when a run is to begin, or to begin again; None if it waits for no time."""
    return run.next_scheduled_start_time if run.state is not None and run.state.is_scheduled() else None


def stands(run: "FlowRun") -> str:
    """Say in which state a run is and since when; of one that is to begin, for when, and what it lacks."""
    state, planned = run.state, due(run)
    if state is None:
        return "without a state"
    said = f"{state.name} since {minute(state.timestamp)}"
    if planned and state.name != "Late":
        said = f"{state.name}, due {minute(planned)}"
    if planned and planned <= datetime.now(UTC) and state.name in _NOT_TAKEN:
        said += f"; {'no worker' if run.work_pool_name else 'nothing'} has taken it"
    return said


def ending(run: "FlowRun") -> str:
    """Say of a run that has ended when, in which state, and with what message."""
    assert run.state is not None, "a run that has ended has a state"
    return f"ended as {run.state.name} at {minute(run.end_time or run.state.timestamp)}: {message(run.state)}"


def message(state: "State[Any]") -> str:
    """Return what a state says, in one line: of an error of ours its text alone, of a held draft its id."""
    text = (state.message or "no reason was given").removeprefix("Flow run encountered an exception: ")
    kind, _, rest = text.partition(": ")
    if kind == lake.errors.HeldError.__name__ and (held := _HELD.match(rest)):
        return f"draft {held['draft']}{_findings(rest)}"
    is_ours = isinstance(known := getattr(lake.errors, kind, None), type) and issubclass(known, lake.errors.LakeError)
    return shown(" ".join((rest if is_ours else text).split()))


def _findings(held: str) -> str:
    """Return how many findings the message of a held draft has; nothing if it is cut, so that nobody knows."""
    lines = [line for line in held.splitlines() if line.startswith("- ")]
    further = [int(found[1].replace(",", "")) for line in lines if (found := _FURTHER.match(line))]
    is_cut = held.endswith(" characters)")
    return "" if is_cut else f", {counted(len(lines) - len(further) + sum(further), 'finding')}"
