"""The commands of an installation: save what the flows look for, check everything, take it down."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from blocks.names import Names, check_lake
from flows.cli.api import reach_prefect
from flows.cli.options import Connections, Rate, Resources, Shards, SourceBlock, SourceUrl, UserAgent, WorkPool, located
from flows.cli.settings import prepare_prefect
from lake.bucket import LAKE_BLOCK
from lake.cli.options import Bucket, Json, LakeBlock, PrefixOfBlock
from lake.cli.options import names as listed
from lake.cli.say import say, say_json
from lake.errors import LakeError

if TYPE_CHECKING:
    from flows.deploy.stack import Stack

app = typer.Typer()


def _on_ecs(help_: str, *names: str, panel: str = "On ECS") -> Any:
    """Return an option for ECS, in a panel of its own, so that its long name leaves those of the others room."""
    return typer.Option(*names, help=f"ECS: {help_}", rich_help_panel=panel)


StackName = Annotated[
    str | None,
    typer.Option("--stack", envvar="POKELAKE_STACK", help="ECS: stack that made it all.", rich_help_panel="On ECS"),
]


@app.command()
def setup(
    bucket: Bucket = None,
    prefix: Annotated[str | None, typer.Option(envvar="POKELAKE_PREFIX", help="Folder of the lake there.")] = None,
    lake: LakeBlock = LAKE_BLOCK,
    source: SourceUrl = None,
    source_block: SourceBlock = None,
    resources: Resources = None,
    requests_per_second: Rate = None,
    connections: Connections = None,
    parallel_shards: Shards = None,
    user_agent: UserAgent = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BLOCK",
            help="Saved notification block to tell by, such as slack-webhook/oncall; may be given again. none: nobody.",
        ),
    ] = None,
    work_pool: WorkPool = "pokelake",
    pool_type: Annotated[
        Literal["ecs", "process"] | None,
        typer.Option(help="Work pool to create: ecs or process.", metavar="TYPE"),
    ] = None,
    stack: StackName = None,
    cluster: Annotated[str | None, _on_ecs("name or ARN of the cluster.")] = None,
    image: Annotated[str | None, _on_ecs("image of the tasks.")] = None,
    execution_role: Annotated[str | None, _on_ecs("ARN of the role that starts tasks.")] = None,
    task_role: Annotated[str | None, _on_ecs("ARN of the role that the flows have.")] = None,
    vpc: Annotated[str | None, _on_ecs("id of the tasks' network.")] = None,
    subnet: Annotated[list[str] | None, _on_ecs("id of a subnet; may be given again.")] = None,
    security_group: Annotated[list[str] | None, _on_ecs("id of a security group; may be given again.")] = None,
    cpu: Annotated[int | None, _on_ecs("CPU units of a task.")] = None,
    memory: Annotated[int | None, _on_ecs("memory of a task, MiB.")] = None,
    spot: Annotated[bool | None, _on_ecs("run on Fargate Spot.", "--spot/--no-spot")] = None,
    prefect_api_key_secret: Annotated[
        str | None,
        _on_ecs("ARN of the secret that holds the key of Prefect's API.", panel="On ECS: secrets"),
    ] = None,
    prefect_auth_string_secret: Annotated[
        str | None,
        _on_ecs("ARN of the secret that holds the auth string of Prefect's API.", panel="On ECS: secrets"),
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for the runs' environment; may be given again.")
    ] = None,
) -> None:
    """Save the Prefect objects that flows and deployments look for; settings not given stay as they are saved.

    A stack gives every setting that it knows and that no flag gives; then its worker is started.
    """
    found = _stack(stack) if stack and pool_type != "process" else None
    reach_prefect()
    from flows.deploy.pool import Pool
    from flows.deploy.setup import chosen_source
    from flows.deploy.setup import setup as save_all
    from flows.deploy.stack import find_image, raise_worker
    from flows.steps.parameters import SourceChoice

    names = Names(check_lake(lake))
    choice = SourceChoice(
        base_url=source,
        resources=listed(resources, "--resources"),
        requests_per_second=requests_per_second,
        connections=connections,
        parallel_shards=parallel_shards,
        user_agent=user_agent,
    )
    pool = Pool(
        name=work_pool,
        kind=pool_type,
        cluster=cluster,
        image=image,
        execution_role=execution_role,
        task_role=task_role,
        vpc=vpc,
        subnets=tuple(subnet or ()),
        security_groups=tuple(security_group or ()),
        cpu=cpu,
        memory=memory,
        is_spot=spot,
        api_key_secret=prefect_api_key_secret,
        auth_string_secret=prefect_auth_string_secret,
        env=_pairs(env or []),
    )
    if found:
        bucket, prefix = bucket or found.bucket, found.prefix if prefix is None else prefix
        image = image or find_image(found, Path.cwd())
        pool = found.fill(pool, image)
    block, settings = chosen_source(lake, source_block, choice)
    _print(save_all(bucket, prefix, settings, pool, notify or (), names, block))
    if found and image:
        _print(done := raise_worker(found, image))
        if "changed" in done.values():
            say("The worker starts; it takes a minute or two until `pokelake doctor` hears it.")


def _stack(name: str) -> "Stack":
    """Read a stack, whose Prefect must be the one of this shell, before anything is saved or deleted in that."""
    prepare_prefect()
    from prefect.settings import get_current_settings

    from flows.deploy.stack import read_stack

    found = read_stack(name)
    found.require_prefect(get_current_settings().api.url)
    return found


def _pairs(given: list[str]) -> dict[str, str]:
    for pair in given:
        if not pair.partition("=")[1]:
            raise LakeError(f"--env: expected NAME=VALUE, found {pair!r}")
    return dict(pair.split("=", 1) for pair in given)


@app.command()
def doctor(
    bucket: Bucket = None,
    prefix: PrefixOfBlock = "",
    lake: LakeBlock = LAKE_BLOCK,
    source_block: SourceBlock = None,
    work_pool: WorkPool = "pokelake",
    as_json: Json = False,
) -> None:
    """Check each thing that the scheduled deployments need, and say how to mend it; exit code 1 if a check fails."""
    prepare_prefect()
    from flows.deploy.doctor import examine

    checks = examine(located(lake, bucket, prefix), work_pool, source_block)
    if as_json:
        say_json(json.dumps([asdict(check) for check in checks]))
    else:
        width = get_terminal_size().columns if sys.stdout.isatty() else None
        for check in checks:
            say("\n".join(check.lines(width)))
    sys.exit(1 if any(check.status == "failed" for check in checks) else 0)


@app.command()
def teardown(
    work_pool: WorkPool = "pokelake",
    stack: StackName = None,
    lake: LakeBlock = LAKE_BLOCK,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the deployments, the work pool and all that setup saved from Prefect; the bucket stays as it is.

    What another lake uses as well is left. On ECS it also stops the stack's worker, waits until no task runs, and
    deletes what setup registered.
    """
    if not yes:
        typer.confirm(
            f"Delete from Prefect the lake {lake!r}, its deployments and blocks, and work pool {work_pool!r},"
            " unless another lake uses it?",
            abort=True,
        )
    found = _stack(stack) if stack else None
    reach_prefect()
    from blocks.lakes import require_lake
    from flows.deploy.ending import await_tasks, forget_definitions, stop_worker
    from flows.deploy.pool import own_family
    from flows.deploy.teardown import delete_deployments, is_free
    from flows.deploy.teardown import teardown as delete_all

    require_lake(lake)
    names, family = Names(lake), own_family(work_pool)
    # So nothing new starts. What runs still has its blocks, because the rest is deleted when it has ended.
    _print(delete_deployments(work_pool, names))
    if found and found.work_pool == work_pool and is_free(work_pool):
        _print(stop_worker(found))
        await_tasks(found, say)
    done = delete_all(work_pool, names)
    _print(done)
    # Another lake may use the pool as well.
    if done[f"work-pool/{work_pool}"] != "left":
        _print(forget_definitions(found, work_pool, family))


def _print(done: dict[str, str]) -> None:
    for name, what in done.items():
        say(f"{what:8} {name}")
