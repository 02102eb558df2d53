"""Watching a run from outside: its name, its tags, its log, and its numbers at the end."""

from collections.abc import Callable
from datetime import UTC
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec

from prefect import runtime
from prefect.client.schemas import State
from prefect.client.schemas.filters import FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun
from prefect.context import FlowRunContext
from prefect.exceptions import Pause

from flows.steps.again import CRAWLS, outcome_of_error
from flows.steps.artifacts import client_of_run, show_numbers
from flows.steps.events import report_measured
from flows.steps.heartbeats import end_with_their_run
from flows.steps.logs import harmless, note, run_log
from flows.steps.numbers import Numbers, counting
from flows.steps.outcome import Outcome, outcome_of
from flows.steps.parameters import LakeLocation
from flows.steps.publish import run_facts
from lake.errors import HeldError
from lake.publish import remove_attempts

# Tags of a run: the lake that it works on, and how it ended.
LAKE_TAG, OUTCOME_TAG = "lake:", "outcome:"

# The runs that have not ended.
UNFINISHED = FlowRunFilterState(type=FlowRunFilterStateType(not_any_=list(TERMINAL_STATES)))

_P = ParamSpec("_P")

end_with_their_run()


def run_name() -> str:
    """Return the name of the run that begins: its flow, its lake, and the minute that it was planned for, in UTC."""
    lake = runtime.flow_run.parameters.get("lake") or LakeLocation()
    start = runtime.flow_run.scheduled_start_time.astimezone(UTC)
    return f"{runtime.flow_run.flow_name} {lake.place()} {start:%Y-%m-%d %H:%M}"


def watched(run: Callable[_P, State[Any]]) -> Callable[_P, State[Any]]:
    """Let the runs of a flow that has a parameter `lake` carry their lake and their outcome, and tell their numbers.

    Nothing of that can fail a run.
    """

    @wraps(run)
    def watch(*args: _P.args, **kwargs: _P.kwargs) -> State[Any]:
        context = FlowRunContext.get()
        if context is None or context.flow is None or context.flow_run is None:
            return run(*args, **kwargs)
        bound = signature(run).bind(*args, **kwargs)
        bound.apply_defaults()
        lake: LakeLocation = bound.arguments["lake"]
        with run_log(context.flow_run.id), counting(runtime.flow_run.flow_name in CRAWLS) as numbers:
            # Whatever it ended as before, it goes on.
            _tag(context.flow_run, f"{LAKE_TAG}{lake.place()}", without=OUTCOME_TAG)
            if context.flow_run.run_count > 1:
                # It was started again, and no hook runs where a whole container was killed.
                with harmless("the removal of its unfinished snapshot"):
                    remove_attempts(lake.open(), str(context.flow_run.id))
            if context.flow_run.deployment_id is not None:
                # A commit names the deployment, as it is now; Prefect keeps its answer, and may be away later.
                run_facts()
            try:
                state = run(*args, **kwargs)
            # Not of a run that is stopped: whoever stops it does not wait.
            except Exception as error:
                # The message that it failed says by this tag whether it starts again.
                _tag(context.flow_run, f"{OUTCOME_TAG}{outcome_of_error(context.flow.name, error)}")
                _tell(lake, Outcome.HELD if isinstance(error, HeldError) else "failed", numbers)
                raise
            except Pause:
                # It waits for a person, and goes on in another process.
                _tag(context.flow_run, f"{OUTCOME_TAG}{Outcome.HELD}")
                _tell(lake, Outcome.HELD, numbers)
                raise
            outcome = outcome_of(state)
            _tag(context.flow_run, f"{OUTCOME_TAG}{outcome}")
            _tell(lake, outcome, numbers)
            return state

    return watch


def _tag(run: FlowRun, tag: str, without: str = "") -> None:
    """Give a run a tag, in the place of one of the same kind, or of another, that it has from before it began anew."""
    kinds = (f"{tag.partition(':')[0]}:", without or tag)
    tags = [*(old for old in run.tags if not old.startswith(kinds)), tag]
    with harmless("the run's tags"):
        client_of_run().update_flow_run(run.id, tags=tags)
        # Prefect takes the tags that its events name from here.
        run.tags = tags


def _tell(lake: LakeLocation, outcome: str, numbers: Numbers) -> None:
    """Say the numbers of the run in its log, by an event and by an artifact."""
    place, flow, facts, line = lake.place(), runtime.flow_run.flow_name, numbers.facts(), numbers.line()
    note(line)
    report_measured(f"s3://{place}/", flow, outcome, facts)
    show_numbers(place, flow, line, {"flow": flow, "lake": place, "outcome": outcome, **facts})
