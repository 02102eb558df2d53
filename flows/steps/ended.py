"""What is done when a run has ended, by Prefect's state hooks: say why and what to do next, and remove its draft.

Prefect calls the hooks by keyword, and also where the process of the flow is dead: then in another one, without the
run's context. What is staged stays, because the next run goes on from there. Nothing here can fail a run.
"""

import logging
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas import FlowRun, State
from prefect.client.schemas.actions import ArtifactCreate
from prefect.flows import FlowStateHook
from prefect.logging.loggers import flow_run_logger

from flows.steps.again import AGAIN, CRAWLS, MOST_TRIES, outcome_of_error
from flows.steps.artifacts import artifact_key
from flows.steps.logs import harmless
from flows.steps.markdown import cell
from flows.steps.outcome import Outcome, outcome_of
from flows.steps.parameters import LakeLocation
from lake.errors import HeldError
from lake.publish import remove_attempts
from lake.text import counted

# What somebody may do about a run that ended well, by how it ended.
_AFTER = {
    Outcome.PARTIAL: "nothing needs to be done: the next refresh asks again for what is lacking",
    Outcome.FROZEN: "`prefect variable set pokelake_frozen false --overwrite` lets runs work again",
    Outcome.DIFFERENT: "look which code made that snapshot: `run` and `fingerprint` in its commit",
}


def say_afterwards(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:
    """Say in the log of a run, and by an artifact, why it ended like this, and what to do next."""
    with harmless("why the run ended"):
        if (advice := what_next(flow.name, flow_run, state)) is None:
            return
        log = flow_run_logger(flow_run, flow)
        log.log(logging.INFO if state.is_completed() else logging.WARNING, advice)
        place = _lake(flow_run).place()
        with get_client(sync_client=True) as client:
            client.create_artifact(
                ArtifactCreate(
                    type="markdown",
                    key=artifact_key(f"ended-{flow.name}", place),
                    description=f"{flow.name} of {place}: {state.name}",
                    data="\n\n".join([*map(cell, (state.message or "").splitlines()), advice]),
                    flow_run_id=flow_run.id,
                )
            )


def remove_unfinished(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:
    """Remove the files that a dead run wrote below ``snapshots/``, unless a commit that it sent may name them."""
    with harmless("the removal of its unfinished snapshot"):
        if removed := remove_attempts(_lake(flow_run).open(), str(flow_run.id)):
            log = flow_run_logger(flow_run, flow)
            log.info("removed %s: %s", counted(len(removed), "unfinished snapshot"), ", ".join(removed))


def what_next(flow: str, run: FlowRun, state: State[Any]) -> str | None:
    """Return what to do about a run that has ended; None if there is nothing to say."""
    if state.is_completed():
        return next((advice for outcome, advice in _AFTER.items() if outcome == outcome_of(state)), None)
    error = state.result(raise_on_failure=False) if state.is_failed() else None
    if isinstance(error, HeldError):
        # It names the command that gives a verdict.
        return None
    kept = "goes on from the tasks that were done, within a day" if flow in CRAWLS else "begins anew"
    told = f"nothing is half published, and the next run {kept}"
    if run.deployment_id is None:
        if state.is_failed() and outcome_of_error(flow, error) != AGAIN:
            mend = "do what the error says, because trying again alone does not help"
            return f"nothing is half published; {mend}; then the same command starts the next run"
        return f"{told}; the same command starts it"
    command = f"`prefect flow-run retry {run.id}` starts this one at once"
    if state.is_crashed() or outcome_of_error(flow, error) == AGAIN:
        if run.run_count < MOST_TRIES:
            return f"{told}; it starts again by itself after a while, and {command}"
        return f"{told}; it has begun {run.run_count} times, so it does not start again by itself: {command}"
    if state.is_failed():
        return f"{told}; do what the error says, because trying again alone does not help; then {command}"
    return f"{told}; {command}"


def _lake(run: FlowRun) -> LakeLocation:
    return LakeLocation.model_validate(run.parameters.get("lake") or {})


# The hooks of every flow. Those of a flow that writes snapshots come first, because S3 may be well when Prefect is not.
TELLING: list[FlowStateHook[..., Any]] = [say_afterwards]
PUBLISHING: list[FlowStateHook[..., Any]] = [remove_unfinished, say_afterwards]
