"""The workers of a Ray cluster, which has a process of its own for each code version."""

import io
import logging
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import ray
from prefect_ray import RayTaskRunner

from flows.steps.shipped import LOADED, Code
from flows.steps.workers import Workers
from lake.errors import LakeError


@contextmanager
def ray_workers(
    address: str | None, cluster: str | None, arguments: Mapping[str, Any], code: Code
) -> Iterator[Workers]:
    """Connect to a cluster, or start one on this machine, whose workers have the run's code.

    Raises:
        LakeError: The cluster cannot be reached.
    """
    with tempfile.TemporaryDirectory(prefix="pokelake-code-") as folder:
        with zipfile.ZipFile(io.BytesIO(code.archive)) as archive:
            archive.extractall(folder)
        # Ray starts other processes for another environment, so two versions never meet in one.
        environment = {"working_dir": folder, "env_vars": {LOADED: code.version}}
        runner = RayTaskRunner(
            address=address,
            init_kwargs={"runtime_env": environment, "log_to_driver": False, "logging_level": logging.WARNING},
        )
        with ExitStack() as exits:
            try:
                exits.enter_context(runner)
            except OSError as error:
                raise LakeError(
                    f"runner ray: {address or 'a cluster on this machine'} cannot be reached: {error}; check that its"
                    " head runs, and that this run reaches it",
                    may_pass=True,
                ) from error
            yield Workers(runner, code.version, lambda: max(1, int(ray.cluster_resources().get("CPU", 1))))
