"""The setting of a runner: where the tasks of a run work."""

import json
import re
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
    place, arguments = re.fullmatch(r"\s*([^\s{\[]*)\s*(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    if kind == "threads" and not rest:
        return RunnerSetting("threads")
    is_address = "://" in place
    if kind == "ray" and not arguments and (is_address or not place):
        return RunnerSetting("ray", place or None)
    if kind == "dask" and is_address and not arguments:
        return RunnerSetting("dask", place)
    if kind == "dask" and not is_address and (place or not arguments):
        return RunnerSetting("dask", None, place or None, _read_arguments(place, arguments))
    raise LakeError(f"runner {shown(text)!r}: {_EXPECTED}")


def _read_arguments(cluster: str, text: str) -> dict[str, Any]:
    try:
        given = json.loads(text or "{}")
        if not isinstance(given, dict):
            raise ValueError("it is no object")
    except (ValueError, RecursionError) as error:
        raise LakeError(
            f"runner dask: expected the arguments of {shown(cluster)} as a JSON object, such as"
            f' {{"n_workers": 2}}, found {shown(text)}: {error}'
        ) from error
    return given
