"""The workers of a Dask cluster: one that runs already, or one that is made for the run."""

import json
import operator
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from importlib import import_module
from typing import Any

import cloudpickle
from distributed import Client, LocalCluster
from distributed.client import _WorkerSetupPlugin
from distributed.deploy.cluster import Cluster
from prefect_dask import DaskTaskRunner
from prefect_dask.client import PrefectDaskClient
from toolz import pipe

from flows.steps.shipped import INSTALL, LOADED, Code
from flows.steps.workers import Workers
from lake.errors import LakeError
from lake.text import shown

# A cluster that is made begins to work with its first worker; one on Fargate has it after a minute or two.
FIRST_WORKER_SECONDS = 600

# A cluster has the code of one run at a time, under this name.
PLUGIN = "pokelake-code"


class _Sealing(Client):  # type: ignore[misc]
    """Submits what a worker calls as bytes, because the scheduler, which has none of our code, would unpickle it."""

    def submit(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        options = {name: kwargs.pop(name) for name in _OPTIONS if name in kwargs}
        if (task := kwargs.get("task")) is not None:
            options["key"] = f"{task.name}-{kwargs['task_run_id']}"
        packed = cloudpickle.dumps(partial(func, *args, **kwargs))
        return super().submit(pipe, packed, pickle.loads, operator.call, **options)


# What distributed itself takes of the options of a submission.
_OPTIONS = {
    "key",
    "workers",
    "resources",
    "retries",
    "priority",
    "fifo_timeout",
    "allow_other_workers",
    "actor",
    "actors",
    "pure",
}


class _SealedClient(PrefectDaskClient, _Sealing):  # type: ignore[misc]
    """Prefect's client, whose submissions are sealed."""


class _Runner(DaskTaskRunner):  # type: ignore[misc]
    """Prefect's task runner over a client that is open already."""

    def __init__(self, client: _SealedClient) -> None:
        super().__init__(address=client.scheduler.address)
        self._client = client


@contextmanager
def dask_workers(
    address: str | None, cluster: str | None, arguments: Mapping[str, Any], code: Code
) -> Iterator[Workers]:
    """Connect to a cluster, or make one, and give its workers the run's code; close what was made.

    Raises:
        LakeError: There is no such class, its cluster does not start, it has no worker, or it is at work on other code.
    """
    where = address or cluster or "a cluster on this machine"
    try:
        made = _cluster(cluster, arguments) if address is None else nullcontext(address)
        with made as to, _SealedClient(to, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
            _ship(client, code)
            with _Runner(client) as runner:
                yield Workers(runner, code.version, lambda: max(1, len(client.scheduler_info(n_workers=-1)["workers"])))
    except OSError as error:
        raise LakeError(
            f"runner dask: {where} has no worker that can be reached: {error}; check that its scheduler and a worker"
            " run, and that this run reaches them",
            may_pass=True,
        ) from error


@contextmanager
def _cluster(name: str | None, arguments: Mapping[str, Any]) -> Iterator[Cluster]:
    """Make a cluster of a class, or one on this machine, and close it at the end."""
    make = _cluster_class(name) if name else LocalCluster
    with ExitStack() as exits:
        try:
            made = exits.enter_context(make(**arguments))
        except Exception as error:
            first: BaseException = error
            while first.__cause__ is not None:
                first = first.__cause__
            raise LakeError(
                f"runner dask: {name or 'a cluster on this machine'} {json.dumps(arguments)} did not start:"
                f" {type(first).__name__}: {shown(str(first))}; check the arguments, which the class takes as they are"
            ) from error
        yield made


def _cluster_class(name: str) -> Callable[..., Any]:
    """Return the class of a cluster; anything else that a run could name is refused, because it would be called."""
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(import_module(module), attribute, None) if module else None
    except ImportError:
        found = None
    if not (isinstance(found, type) and issubclass(found, Cluster)):
        raise LakeError(
            f"runner dask: expected a class of Dask clusters that is installed, found {shown(name)!r}; name it with its"
            " module, such as distributed.LocalCluster, and install its package"
        )
    return found


def _ship(client: Any, code: Code) -> None:
    """Give all workers the code, also those that come later.

    A process that has loaded other code is started anew, unless it has work: two versions never meet in one process.
    """
    others = _loaded(client) - {None, code.version}
    # Asked before anything is changed, because a worker that comes later gets what was shipped last.
    if others and any(client.processing().values()):
        raise LakeError(
            "runner dask: another run is at work on this cluster with other code; run again when it has ended, or name"
            " another cluster",
            may_pass=True,
        )
    install = partial(exec, INSTALL, {"ARCHIVE": code.archive, "VERSION": code.version, "LOADED": LOADED})
    # Of a class of ours the workers have no module yet; and without a name it would not take an earlier run's place.
    client.register_plugin(_WorkerSetupPlugin(install), name=PLUGIN)
    if not others:
        return
    client.restart()
    if (loaded := _loaded(client)) != {code.version}:
        raise LakeError(
            f"runner dask: its workers keep code of another run ({', '.join(map(str, loaded))}); start them anew, with"
            " a nanny, which they have by default"
        )


def _loaded(client: Any) -> set[str | None]:
    """Return the code versions that the workers have loaded."""
    return set(client.run(os.getenv, LOADED).values())
