"""The setting of a runner: where the tasks of a run work."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from lake.errors import LakeError
from lake.text import shown

# A run without the parameter takes the setting from this variable.
VARIABLE = "POKELAKE_RUNNER"

SENTENCE = (
    "Where tasks work: threads, dask:ADDRESS, ray:ADDRESS, or dask:CLASS {arguments as JSON} for a Dask cluster of the"
    " run's own."
)

_EXPECTED = (
    "expected threads, dask:tcp://HOST:8786, dask:CLASS {arguments as JSON}, or ray:ray://HOST:10001"
    " (--runner, POKELAKE_RUNNER, the parameter runner of a deployment)"
)


@dataclass(frozen=True, slots=True)
class RunnerSetting:
    """The setting as it is read; without an address or a class, the cluster is one on this machine."""

    kind: Literal["threads", "dask", "ray"]
    address: str | None = None
    cluster: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


def read_runner(text: str) -> RunnerSetting:
    """Return the setting of a runner.

    >>> read_runner('dask:distributed.LocalCluster {"n_workers": 2}').arguments
    {'n_workers': 2}
    >>> read_runner("ray:ray://10.0.0.4:10001").address
    'ray://10.0.0.4:10001'

    Raises:
        LakeError: It is none.
    """
    kind, _, rest = text.strip().partition(":")
    place, brace, arguments = rest.partition("{")
    place, wrong = place.strip(), LakeError(f"runner {shown(text)!r}: {_EXPECTED}")
    try:
        given = json.loads(brace + arguments) if brace else {}
    except ValueError as error:
        raise wrong from error
    if kind == "threads" and not rest:
        return RunnerSetting("threads")
    is_address = "://" in place
    if kind == "ray" and not brace and (is_address or not place):
        return RunnerSetting("ray", place or None)
    if kind == "dask" and is_address and not brace:
        return RunnerSetting("dask", place)
    if kind == "dask" and not is_address and (place or not brace):
        return RunnerSetting("dask", None, place or None, given)
    raise wrong
