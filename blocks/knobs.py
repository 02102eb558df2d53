"""The operator's knobs: Prefect Variables that every run reads when it starts, so turning one needs no deploy."""

from collections.abc import Mapping

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import VariableCreate
from prefect.variables import Variable

from lake.errors import LakeError

# True: refresh, discover and maintain end at once, and touch neither source nor bucket.
FROZEN = "pokelake_frozen"

# A number replaces `requests_per_run` of the source that is crawled; null leaves the source's own.
REQUESTS_PER_RUN = "pokelake_requests_per_run"

# The values that `save_knobs` creates; a run with them is like a run without any Variable.
DEFAULTS: Mapping[str, bool | None] = {FROZEN: False, REQUESTS_PER_RUN: None}


def save_knobs() -> dict[str, str]:
    """Create the Variables that are missing; return for each: created, or left as the operator set it."""
    with get_client(sync_client=True) as client:
        missing = [name for name in DEFAULTS if client.read_variable_by_name(name) is None]
        for name in missing:
            client.create_variable(VariableCreate(name=name, value=DEFAULTS[name]))
    return {f"variable/{name}": "created" if name in missing else "left" for name in DEFAULTS}


def is_frozen() -> bool:
    """Tell whether the operator wants nothing to be touched.

    Raises:
        LakeError: The Variable's value is neither true nor false.
    """
    value = Variable.get(FROZEN, default=False)
    if not isinstance(value, bool):
        raise _wrong(FROZEN, "true or false", value)
    return value


def requests_per_run() -> int | None:
    """Return how many requests the operator lets a run make; None: as many as the source's settings allow.

    Raises:
        LakeError: The Variable's value is neither null nor a number of requests.
    """
    value = Variable.get(REQUESTS_PER_RUN, default=None)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise _wrong(REQUESTS_PER_RUN, "null or a whole number of at least 1", value)
    return value


def _wrong(name: str, expected: str, found: object) -> LakeError:
    return LakeError(
        f"Prefect Variable {name}: expected {expected}, found {found!r};"
        f" `prefect variable set {name} VALUE --overwrite` takes JSON"
    )
