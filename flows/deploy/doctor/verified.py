"""The question about what the last verification of the lake has found."""

from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from flows.deploy.doctor.check import Verdict, failed, ok, skipped
from flows.deploy.doctor.installation import Installation
from lake.bucket import command_on
from lake.text import minute

# A run that was cancelled has found nothing.
_FINISHED = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]

# Of what was found, these lines are shown.
_LINES = 4


def verified(at: Installation) -> Verdict:
    """Was the lake as its commits say, when that was last looked at?"""
    deployment = at.deployments[at.names.own("verify")]
    again = f"`prefect deployment run verify/{deployment.name} --watch`"
    runs = at.client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_FINISHED))),
        sort=FlowRunSort.END_TIME_DESC,
        limit=1,
    )
    if not runs or runs[0].state is None:
        return skipped(f"not known, because the deployment {deployment.name} has not run yet; {again} looks now")
    state = runs[0].state
    when, (said, *more) = minute(state.timestamp), (state.message or "no message").splitlines()
    if state.is_completed():
        return ok(f"{said}, on {when}")
    found = "\n".join([f"{runs[0].name} ended as {state.name} on {when}: {said}", *more[: _LINES - 1]])
    return failed(found, f"`{command_on(at.store.uri(), 'verify')}` says all of it, and what to do\nthen {again}")
