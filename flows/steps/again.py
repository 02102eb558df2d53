"""What a crawl says of its failure: whether trying again may help."""

from typing import Any

from prefect.client.schemas import FlowRun, State

from flows.steps.events import report_may_go_well
from lake.errors import LakeError

# What only somebody who changes code, settings or the size of the machine can mend.
_FLAWS = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    TypeError,
    ValueError,
)

# Only a crawl may meet a source or a network that is in trouble for a while, and goes on from its shards.
CRAWLS = {"refresh", "discover"}

# The outcome of a run that failed, as its tag has it: whether it starts again by itself, unless it began too often.
AGAIN, FAILED = "may-go-well", "failed"

# How often a run begins before it is left to somebody; an automation starts it again until then.
MOST_TRIES = 3

# What an API answers to a key that it refuses.
_REFUSALS = {401, 403}


def may_go_well(error: object) -> bool:
    """Tell whether the same run may go well a while later, without anybody mending something.

    >>> may_go_well(TimeoutError()), may_go_well(KeyError("name"))
    (True, False)
    """
    if isinstance(error, LakeError):
        return error.may_pass
    if getattr(getattr(error, "response", None), "status_code", None) in _REFUSALS:
        return False
    return isinstance(error, Exception) and not isinstance(error, _FLAWS)


def outcome_of_error(flow: str, error: object) -> str:
    """Return the outcome of a run that failed with an error.

    >>> outcome_of_error("refresh", TimeoutError()), outcome_of_error("report", TimeoutError())
    ('may-go-well', 'failed')
    """
    return AGAIN if flow in CRAWLS and may_go_well(error) else FAILED


def say_whether_again(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:
    """Say of a failed run of a deployment, if so, that it may go well when it starts again."""
    if flow_run.deployment_id and may_go_well(state.result(raise_on_failure=False)):
        report_may_go_well(flow_run)
