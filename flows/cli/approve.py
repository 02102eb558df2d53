"""The command that decides what is held back: by the run that waits, by a run of its deployment, or by itself."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.api import ApiError, reach_prefect, tried
from flows.cli.held import account, decide_alone, decide_here, show_facts
from flows.cli.options import located
from lake.bucket import LAKE_BLOCK, command_on
from lake.cli.options import Bucket, LakeBlock, Prefix
from lake.cli.say import remark, say
from lake.errors import LakeError
from lake.text import counted, shown

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

    from flows.steps.parameters import Choice, LakeLocation
    from lake.assemble.held import HeldDraft

app = typer.Typer()


@app.command()
def approve(
    draft: Annotated[
        str | None, typer.Argument(metavar="DRAFT", help="Id of a held snapshot. Default: the one that waits.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Publish it, and accept everything that was found.")] = False,
    finding: Annotated[
        list[str] | None,
        typer.Option(help="Publish it, and accept this finding; give it again for each, because all must be accepted."),
    ] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Drop it.")] = False,
    reason: Annotated[str, typer.Option(help="Why; the commit keeps it.")] = "",
    by: Annotated[str | None, typer.Option(help="Who decides. Default: the name of your account.")] = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
) -> None:
    """Publish or drop what an audit holds back; without --all, --finding or --reject, only show what waits.

    The run that waits goes on with your answer. If it ended, another run of its deployment decides; if nothing would
    start that one, this command decides by itself; with --bucket it does so, too, if nothing answers for Prefect.
    """
    if sum(map(bool, (every, finding, reject))) > 1:
        raise typer.BadParameter("--all, --finding and --reject exclude each other")
    trouble = tried(reach_prefect, bucket)
    from flows.steps.parameters import Choice
    from lake.assemble.held import read_held, waiting

    at = located(lake, bucket, prefix)
    store = at.open()
    held = read_held(store, draft) if draft else waiting(store)
    if every or finding or reject:
        if held is None:
            raise LakeError(f"nothing waits for a verdict in {store.uri()}")
        choice = Choice(
            draft=held.id,
            publish=not reject,
            findings=tuple(finding or ()),
            reason=reason,
            by=account() if by is None else by,
        )
        _decide(at, held, choice, trouble)
    elif held is None:
        say(f"nothing waits for a verdict in {store.uri()}")
    else:
        _show(at, held)


def _show(lake: "LakeLocation", held: "HeldDraft") -> None:
    from flows.steps.held import decide_commands, until
    from lake.verdict import read_verdict

    asked, seen = held.questions, f"readers see {held.parent.snapshot}" if held.parent else "readers see nothing yet"
    say(f"{held.id} is held until {until(held)},\nbecause of {counted(len(asked), 'finding')}; {seen}")
    if held.again:
        say(f"held again in the place of {held.again}: {held.reason}")
    say()
    show_facts(held, 0)
    say()
    if verdict := read_verdict(lake.open(), held.id):
        say(f"decided by {verdict.by} at {verdict.at}: {verdict.act}{verdict.why}")
        return
    say("\n".join(("nothing was decided; do that by", *(f"  {command}" for command in decide_commands(lake, held.id)))))


def _decide(lake: "LakeLocation", held: "HeldDraft", choice: "Choice", trouble: ApiError | None) -> None:
    """Hand a verdict to whoever carries it out, and say who that is.

    Raises:
        ApiError: Prefect's API answers, and cannot be used: the run that waits there must be asked first.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    from flows.steps.answer import verdict_of
    from lake.assemble.decide import require_takeable

    # Refused here, and not by a run that somebody would have to look at.
    require_takeable(lake.open(), held, verdict_of(choice))
    what = f"{'publish' if choice.publish else 'drop'} {held.id}"
    if trouble and not trouble.is_away:
        raise trouble
    if trouble:
        remark(f"pokelake: {trouble.why}")
        say(
            f"Prefect is not reachable, so the verdict is given in this process: {what}\n"
            "A run that waits there for this verdict ends when it is resumed, or when the next run begins."
        )
        decide_alone(lake, held, choice)
        return
    # A server that a command starts for itself knows no run.
    if get_current_settings().api.url:
        with get_client(sync_client=True) as client:
            run = _run_of(client, held)
            if run is not None and run.state is not None and not (run.state.is_paused() or run.state.is_final()):
                raise LakeError(
                    f"the run that holds {held.id} is at work on it: {shown(run.name)} is {run.state.name}; see by"
                    f" `{command_on(lake.open().uri(), 'status')}` what becomes of it, and decide"
                    " again if the draft still waits then"
                )
            if run is not None and (
                _resume(client, lake, run, held, choice, what) or _start(client, lake, run, choice, what)
            ):
                return
    say(f"deciding in this process: {what}")
    decide_here(lake, choice)


def _run_of(client: "SyncPrefectClient", held: "HeldDraft") -> "FlowRun | None":
    """Return the flow run that holds a draft, None if this server does not know it."""
    from prefect.exceptions import ObjectNotFound

    from flows.steps.held import flow_run_of

    run = flow_run_of(held)
    try:
        return client.read_flow_run(run) if run else None
    except ObjectNotFound:
        return None


def _resume(
    client: "SyncPrefectClient", lake: "LakeLocation", run: "FlowRun", held: "HeldDraft", choice: "Choice", what: str
) -> bool:
    """Answer the run that waits; return whether it takes the answer."""
    from prefect.client.schemas.responses import SetStateStatus

    from flows.steps.answer import answer_of

    if run.state is None or not run.state.is_paused():
        return False
    answer = answer_of(held, choice)
    if answer is None:
        return False
    result = client.resume_flow_run(run.id, run_input=answer)
    if result.status is not SetStateStatus.ACCEPT:
        why = getattr(result.details, "reason", None) or "no reason given"
        remark(f"the run that waits, {shown(run.name)}, did not take the answer: {shown(why)}")
        return False
    say(f"told the run that waits to {what}:\n{run.name} goes on\n{_where(lake, run)}")
    if run.work_pool_name and not _is_served(client, run.work_pool_name):
        remark(f"no worker asks for runs of {run.work_pool_name}: it goes on as soon as one does")
    return True


def _start(client: "SyncPrefectClient", lake: "LakeLocation", run: "FlowRun", choice: "Choice", what: str) -> bool:
    """Start a run of the draft's deployment that decides; return whether something will run it."""
    deployment = _deployment(client, run)
    if deployment is None:
        return False
    if "decide" not in (deployment.parameter_openapi_schema or {}).get("properties", {}):
        return False
    if not _is_run(client, deployment):
        remark(f"no worker asks for runs of the deployment {shown(deployment.name)}, so none is started")
        return False
    parameters: dict[str, Any] = {name: run.parameters[name] for name in ("lake",) if name in run.parameters}
    parameters["decide"] = choice.model_dump(mode="json")
    started = client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
    ended = run.state_name.lower() if run.state_name else "gone"
    say(f"the run that held it is {ended}; started another one to\n{what}: {started.name}\n{_where(lake, started)}")
    return True


def _deployment(client: "SyncPrefectClient", run: "FlowRun") -> "DeploymentResponse | None":
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment(run.deployment_id) if run.deployment_id else None
    except ObjectNotFound:
        return None


def _is_run(client: "SyncPrefectClient", deployment: "DeploymentResponse") -> bool:
    """Tell whether something starts the runs of a deployment: a worker of its pool, or `pokelake serve`."""
    from prefect.client.schemas.objects import DeploymentStatus

    if pool := deployment.work_pool_name:
        return _is_served(client, pool)
    return deployment.status is DeploymentStatus.READY


def _is_served(client: "SyncPrefectClient", pool: str) -> bool:
    """Tell whether a worker asks for the runs of a pool."""
    from prefect.client.schemas.objects import WorkerStatus
    from prefect.exceptions import ObjectNotFound

    try:
        workers = client.read_workers_for_work_pool(pool)
        is_paused = client.read_work_pool(pool).is_paused
    except ObjectNotFound:
        return False
    return not is_paused and any(worker.status is WorkerStatus.ONLINE for worker in workers)


def _where(lake: "LakeLocation", run: "FlowRun") -> str:
    """Say where to look at a run."""
    from prefect.utilities.urls import url_for

    place = url_for("flow-run", obj_id=run.id)
    return f"look at it:\n  {place or f'prefect flow-run logs {run.id}'}\n  {command_on(lake.open().uri(), 'status')}"
