"""Where the tasks of a run work: in threads of its own process, or on the workers of a Dask or Ray cluster."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import signature
from typing import Annotated, Any, ParamSpec

from prefect.client.schemas import State
from prefect.settings import get_current_settings
from pydantic import Field

from flows.steps.runner_setting import SENTENCE, VARIABLE, RunnerSetting, read_runner
from flows.steps.shipped import Code, code_of_this_run
from flows.steps.workers import Workers
from lake.errors import LakeError

_P = ParamSpec("_P")

# The parameter of a flow.
Runner = Annotated[str, Field(description=f"{SENTENCE} Default: {VARIABLE} in the environment, or threads.")]


class _Opening:
    """The workers of a run; the cluster is opened when the first task needs it, and closes with the run."""

    def __init__(self, setting: RunnerSetting, exits: ExitStack) -> None:
        self._setting, self._exits = setting, exits
        self._workers: Workers | None = None

    def workers(self) -> Workers | None:
        """Return the workers, None if tasks work in threads of this process."""
        if self._setting.kind != "threads" and self._workers is None:
            self._workers = self._exits.enter_context(_opened(self._setting, code_of_this_run()))
        return self._workers


_CURRENT: ContextVar[_Opening | None] = ContextVar("runner", default=None)


def workers_of_run() -> Workers | None:
    """Return the workers of the run that goes on, None if its tasks work in threads of this process."""
    current = _CURRENT.get()
    return current.workers() if current is not None else None


def distributed(body: Callable[_P, State[Any]]) -> Callable[_P, State[Any]]:
    """Let the tasks of a flow that has a parameter `runner` work where it says."""

    @wraps(body)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> State[Any]:
        bound = signature(body).bind(*args, **kwargs)
        bound.apply_defaults()
        with running(bound.arguments["runner"]):
            return body(*args, **kwargs)

    return run


@contextmanager
def running(runner: str) -> Iterator[None]:
    """Let tasks work where a setting says while the block runs; an empty one is the environment's, or threads."""
    setting = read_runner(runner or os.environ.get(VARIABLE, "") or "threads")
    with ExitStack() as exits:
        token = _CURRENT.set(_Opening(setting, exits))
        try:
            yield
        finally:
            _CURRENT.reset(token)


def _api_url() -> str | None:
    return get_current_settings().api.url


@contextmanager
def _opened(setting: RunnerSetting, code: Code) -> Iterator[Workers]:
    if not _api_url():
        raise LakeError(
            f"runner {setting.kind}: its workers tell a Prefect API what they do, and this run has one of its own that"
            " they cannot reach; name one by PREFECT_API_URL, or leave the runner at threads"
        )
    try:
        if setting.kind == "ray":
            from flows.steps.on_ray import ray_workers as opened
        else:
            from flows.steps.on_dask import dask_workers as opened
    except ModuleNotFoundError as error:
        raise LakeError(
            f"runner {setting.kind}: {error.name} is not installed; install pokelake[{setting.kind}], or build the"
            " image with --build-arg LOCK=cluster"
        ) from error
    with opened(setting.address, setting.cluster, setting.arguments, code) as workers:
        yield workers
