"""The deployments of `prefect.yaml` without push and pull: served on one machine, or run with the code of an image."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import prefect
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentTriggerTypes
from prefect.exceptions import ObjectNotFound
from prefect.runner import Runner
from prefect.schedules import Schedule
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, get_current_settings, temporary_settings
from prefect.states import Crashed
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.templating import apply_values
from pydantic import TypeAdapter

from blocks.names import FIRST, Names
from flows.deploy.code import checked_out, collect, deployed_names
from flows.deploy.pool import defaults
from lake.errors import LakeError, UnknownNameError

# One deployment, as `prefect.yaml` says it.
Entry = Mapping[str, Any]

_TRIGGER: TypeAdapter[DeploymentTriggerTypes] = TypeAdapter(DeploymentTriggerTypes)


def serve(lake: Names = FIRST, source: str = "") -> None:
    """Run every deployment of a lake on its schedule, each run a process of this machine, until Ctrl-C or SIGTERM.

    Runs have the code of the working directory. They run one at a time, so discover and refresh never meet, and a
    report begins when the refresh that published has ended. When `serve` stops, the deployments are paused until it is
    started again, and a run that was under way ends as Crashed; the next run resumes from its shards.

    Requires: PREFECT_API_URL, the address of a Prefect server; the blocks that `pokelake setup` saves there.

    Raises:
        LakeError: The working directory is not a checkout, Prefect has no server, or a work pool has the deployments.
    """
    if get_current_settings().api.url is None:
        raise LakeError(
            "PREFECT_API_URL: expected the address of a Prefect server, which makes the runs of schedules, found none;"
            " start one with `prefect server start`, and set it"
        )
    entries = read_entries(Path.cwd(), lake, source)
    deployments = [_deployment(entry) for entry in entries]
    _require_no_pool(deployments)
    for entry in entries:
        os.environ.update(entry["work_pool"]["job_variables"]["env"])
    patience = {PREFECT_CLIENT_MAX_RETRIES: int(os.environ["PREFECT_CLIENT_MAX_RETRIES"])}
    # A process that a shell starts in the background ignores SIGINT, and `_Runner` turns SIGTERM into SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runner = _Runner(limit=1)
    # Outside an event loop, Prefect returns the ids themselves, and not the awaitables of its signature.
    served = [cast(UUID, runner.add_deployment(deployment)) for deployment in deployments]
    names = ", ".join(deployment.name for deployment in deployments)
    print(f"serving {names} with code version {entries[0]['version']}, until Ctrl-C")
    try:
        with suppress(KeyboardInterrupt), temporary_settings(patience):
            asyncio.run(runner.start())
    finally:
        _end_runs(served)


class _Runner(Runner):
    """Prefect's runner, stopped by SIGTERM as by Ctrl-C; Prefect's own handler would leave the schedules active."""

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:
        signal.raise_signal(signal.SIGINT)


def deploy_image(image: str, pool: str, names: Names = FIRST, source: str = "") -> None:
    """Deploy everything of a lake to a work pool whose runs have the code in their image; nothing is pushed or pulled.

    Build the image first, from `Dockerfile.baked` in the working directory.

    Requires: PREFECT_API_URL; the blocks that `pokelake setup` saves there, and its work pool with this image.

    Raises:
        LakeError: The image's tag is not the code's version, which commits name; there is no such pool, or its runs
            are in another image; or Prefect refused a deployment.
    """
    entries = read_entries(Path.cwd(), names, source)
    _require_image(image, entries[0]["version"], pool)
    deployments = [
        _deployment(
            entry,
            work_queue_name=entry["work_pool"].get("work_queue_name"),
            job_variables=entry["work_pool"]["job_variables"],
        )
        for entry in entries
    ]
    # The pool names the image. A deployment that named it as well would keep this one when the pool gets a newer one.
    saved = cast(
        list[UUID],
        prefect.deploy(*deployments, work_pool_name=pool, build=False, push=False, print_next_steps_message=False),
    )
    if len(saved) < len(deployments):
        raise LakeError(
            f"work pool {pool!r}: expected {len(deployments)} deployments, saved {len(saved)};"
            " Prefect's reasons are printed above"
        )


def read_entries(root: Path, names: Names = FIRST, source: str = "") -> list[Entry]:
    """Return a lake's deployments in a folder's `prefect.yaml`, with version and git commit of the code beside it.

    Raises:
        LakeError: The file or the code is not there, or the source's block is not saved.
    """
    file = root / "prefect.yaml"
    if not file.is_file():
        raise LakeError(f"{file}: expected the deployments, found no such file; run this in a checkout of pokelake")
    code = {"version": collect(root).version, "commit": checked_out(root)}
    pushed = {"push_code": {**code, **deployed_names(names, source)}}
    # What is not of the push stays: Prefect's server fills it in, of the event that starts a run.
    entries = yaml.safe_load(file.read_text())["deployments"]
    return cast(list[Entry], apply_values(entries, pushed, remove_notset=False))


def _deployment(entry: Entry, **more: Any) -> RunnerDeployment:
    """Return an entry as Prefect's object. A run imports its flow by name, so it needs no path of any machine."""
    path, _, name = entry["entrypoint"].partition(":")
    flow = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
    deployment: RunnerDeployment = flow.to_deployment(
        entry["name"],
        description=entry["description"],
        version=entry["version"],
        tags=entry["tags"],
        parameters=entry["parameters"],
        schedules=[_schedule(**given) for given in entry.get("schedules", ())],
        triggers=[_TRIGGER.validate_python(given) for given in entry.get("triggers", ())],
        entrypoint_type=EntrypointType.MODULE_PATH,
        **more,
    )
    return deployment


def _schedule(interval: int | None = None, anchor_date: str | None = None, **given: Any) -> Schedule:
    """Return a schedule; YAML has an interval in seconds, and a moment as text."""
    if interval is not None:
        given["interval"] = timedelta(seconds=interval)
    if anchor_date is not None:
        given["anchor_date"] = datetime.fromisoformat(anchor_date)
    return Schedule(**given)


def _require_no_pool(deployments: Sequence[RunnerDeployment]) -> None:
    """Raise if work pools have some of the deployments, because their workers would take the runs as well."""
    pools = dict[str, str]()
    with get_client(sync_client=True) as client:
        for name in (deployment.full_name for deployment in deployments):
            with suppress(ObjectNotFound):
                if pool := client.read_deployment_by_name(name).work_pool_name:
                    pools[name] = pool
    if pools:
        found = ", ".join(f"{name} in {pool!r}" for name, pool in pools.items())
        commands = "\n".join(f"  prefect deployment delete {name}" for name in pools)
        raise LakeError(
            f"expected deployments without a work pool, found {found}, where a worker would take the runs as well;"
            f" remove them first:\n{commands}"
        )


def _require_image(image: str, version: str, pool: str) -> None:
    """Raise unless the runs of a work pool are in this image, and its tag says that it holds this code."""
    if image.rpartition(":")[2] != version:
        raise LakeError(
            f"image {image}: expected the tag {version}, the version of the code in this folder, because commits name"
            " it; build the image from this folder, with that tag"
        )
    with get_client(sync_client=True) as client:
        try:
            template = client.read_work_pool(pool).base_job_template
        except ObjectNotFound as error:
            raise UnknownNameError("work pool", pool, [known.name for known in client.read_work_pools()]) from error
    # That of a pool that no worker has served yet may be empty.
    found = defaults(template).get("image")
    if found != image:
        raise LakeError(
            f"work pool {pool!r}: expected runs in the image {image}, found {found or 'runs without an image'};"
            f" run `pokelake setup --work-pool {pool} --image {image}` first; the pool must be of type ecs"
        )


def _end_runs(deployments: Sequence[UUID]) -> None:
    """Mark the runs of deployments that are under way as crashed, because their processes have ended."""
    kinds = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=list(deployments))),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=kinds))),
        ):
            client.set_flow_run_state(run.id, Crashed(message="`pokelake serve` was stopped"))
