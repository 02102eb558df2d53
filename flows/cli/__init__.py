"""The ``pokelake`` command; Prefect is loaded only by the commands that need it."""

import gc
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import approve as approving
from flows.cli import code as coding
from flows.cli import deploy as deploying
from flows.cli import policy as allowing
from flows.cli import restore as restoring
from flows.cli import rollback as rolling
from flows.cli import runs as running
from flows.cli import status as looking
from flows.cli import tell as telling
from flows.cli import try_source as trying
from flows.cli import verify as verifying
from flows.cli.api import afterwards, api_error, begin, reach_prefect
from flows.cli.options import (
    AllowShrink,
    Connections,
    Documents,
    Force,
    Rate,
    Resources,
    RetryDelay,
    Runner,
    Shards,
    SourceBlock,
    SourceUrl,
    UserAgent,
    located,
    require_place,
    saved_lake,
)
from flows.cli.settings import QUIET
from lake.bucket import LAKE_BLOCK
from lake.cli import catalog as cataloguing
from lake.cli import read as reading
from lake.cli import report as reporting
from lake.cli.options import AsOf, Bucket, Json, LakeBlock, Prefix, names
from lake.cli.run import Commands, run, typer_app
from lake.cli.say import say, say_json
from lake.errors import LakeError

if TYPE_CHECKING:
    from prefect.client.schemas import State

    from flows.steps.parameters import LakeLocation

app = typer_app(Commands, "PokeAPI as a data lake: crawled politely, published atomically as partitioned Parquet.")
app.add_typer(reading.app)
app.add_typer(reporting.app)
app.add_typer(cataloguing.app)
reading.find_lakes_by(saved_lake)
app.add_typer(running.app)
app.add_typer(deploying.app)
app.add_typer(allowing.app)
app.add_typer(coding.app)
app.add_typer(rolling.app)
app.add_typer(telling.app)
app.add_typer(looking.app)
app.add_typer(approving.app)
app.add_typer(verifying.app)
app.add_typer(restoring.app)
app.add_typer(trying.app)


@app.command()
def refresh(
    source: SourceUrl = None,
    source_block: SourceBlock = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    resources: Documents = None,
    requests_per_second: Rate = None,
    connections: Connections = None,
    parallel_shards: Shards = None,
    user_agent: UserAgent = None,
    retry_delay_seconds: RetryDelay = None,
    allow_shrink: AllowShrink = None,
    force: Force = False,
    runner: Runner = "",
) -> None:
    """Crawl what may have changed and publish a new snapshot if something did."""
    require_place(bucket, prefix)
    begin("refresh")
    reach_prefect(runs=True)
    from flows.refresh import refresh as flow
    from flows.steps.parameters import SourceChoice

    at = located(lake, bucket, prefix)
    _finish(
        flow(
            lake=at,
            source=SourceChoice(
                block=source_block,
                base_url=source,
                resources=names(resources, "--resources"),
                requests_per_second=requests_per_second,
                connections=connections,
                parallel_shards=parallel_shards,
                user_agent=user_agent,
                retry_delay_seconds=retry_delay_seconds,
            ),
            allow_shrink=allow_shrink or [],
            force=force,
            runner=runner,
            return_state=True,
        ),
        at,
    )


@app.command()
def discover(
    source: SourceUrl = None,
    source_block: SourceBlock = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    resources: Resources = None,
    runner: Runner = "",
) -> None:
    """Look at the listings only; publish documents that are new, report those that are no longer listed."""
    require_place(bucket, prefix)
    begin("discover")
    reach_prefect(runs=True)
    from flows.discover import discover as flow
    from flows.steps.parameters import SourceChoice

    choice = SourceChoice(block=source_block, base_url=source, resources=names(resources, "--resources"))
    at = located(lake, bucket, prefix)
    _finish(flow(lake=at, source=choice, runner=runner, return_state=True), at)


@app.command()
def rebuild(
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    runner: Runner = "",
) -> None:
    """Build the tables of a snapshot from its documents alone; only the current one's are published, if they differ."""
    begin("rebuild")
    reach_prefect(runs=True)
    from flows.rebuild import rebuild as flow

    at = located(lake, bucket, prefix)
    _finish(flow(lake=at, as_of=as_of, runner=runner, return_state=True), at)


@app.command()
def maintain(
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    grace_hours: Annotated[int, typer.Option(min=24, help="Hours that everything stays after it was written.")] = 48,
    keep: Annotated[int | None, typer.Option(min=1, help="Snapshots that stay, the newest. Default: all.")] = None,
    keep_days: Annotated[
        int | None,
        typer.Option(min=1, help="Days that a snapshot stays after another took its place. Default: for ever."),
    ] = None,
    expire_days: Annotated[int | None, typer.Option(min=1, hidden=True, help="The former --keep-days.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Remove files that no commit names, leftovers of crawls, and code that nothing refers to, after a grace period.

    With --keep or --keep-days it forgets older snapshots, too; never the current one.
    """
    keep_days = expire_days if keep_days is None else keep_days
    if keep is not None and keep_days is not None:
        raise typer.BadParameter("--keep and --keep-days exclude each other")
    begin("maintain")
    reach_prefect(runs=True)
    from flows.maintain import maintain as flow

    at = located(lake, bucket, prefix)
    _finish(flow(at, grace_hours, dry_run=dry_run, keep=keep, keep_days=keep_days, return_state=True), at)


@app.command()
def plan(
    source: SourceUrl = None,
    source_block: SourceBlock = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    resources: Resources = None,
    as_json: Json = False,
) -> None:
    """Say which requests a refresh would make, and what it would build and write, without doing it."""
    reach_prefect(runs=True)
    from flows.cli.plan import plan as make
    from flows.steps.parameters import SourceChoice

    choice = SourceChoice(block=source_block, base_url=source, resources=names(resources, "--resources"))
    found = make(located(lake, bucket, prefix), choice)
    if as_json:
        say_json(found.json())
    else:
        say("\n".join(found.lines()))


def _finish(state: "State[Any]", lake: "LakeLocation") -> None:
    from flows.cli.held import finish

    finish(state, lake)


@app.command()
def replica(
    corpus: Annotated[str, typer.Option(help="An api-data folder or .tar.xz, or 'demo'.")] = "demo",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Serve a corpus as PokeAPI does, so that you can work without a network."""
    from flows.local.replica import CorpusError, open_corpus, serve

    try:
        serve(open_corpus(corpus), host, port)
    except CorpusError as error:
        raise LakeError(str(error)) from error
    except OSError as error:
        raise LakeError(f"{host}:{port}: cannot listen there: {error}") from error


@app.command()
def demo(
    corpus: Annotated[str, typer.Option(help="An api-data folder or .tar.xz instead of the built-in corpus.")] = "demo",
    source: Annotated[str | None, typer.Option(help="A live API to crawl instead of the replica.")] = None,
) -> None:
    """Show the whole product on this machine: S3, PokeAPI, Prefect, a snapshot, a query, a second refresh."""
    from flows.local.demo import run

    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    run(corpus, source)


@app.command()
def up(
    corpus: Annotated[str, typer.Option(help="An api-data folder or .tar.xz instead of the built-in corpus.")] = "demo",
    folder: Annotated[
        Path | None,
        typer.Option(help="Empty folder for data and logs, which stays. Default: a temporary one, removed at the end."),
    ] = None,
) -> None:
    """Run everything on this machine until Ctrl-C: S3, PokeAPI, Prefect, a worker, and deployments that run often."""
    from flows.local.up import run

    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    run(corpus, folder)


@cache
def _command() -> Any:
    """Return the command as typer makes it, which looks at every function's signature each time."""
    return typer.main.get_command(app)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; a `LakeError`, or trouble with Prefect's API, ends it with one paragraph."""
    # Prefect makes a million objects as it is loaded, and all of them stay: to look for garbage among them at Python's
    # own pace takes a seventh of a command's start.
    gc.set_threshold(50_000, 20, 50)
    return run(_command, arguments, _told)


def _told(error: Exception, verb: str) -> str | None:
    """Return what a person must know of an error; None if it is one of this program."""
    said = error if isinstance(error, LakeError) else api_error(error) or _not_installed(error, verb)
    return None if said is None else f"{said}{afterwards(said, verb)}"


def _not_installed(error: Exception, verb: str) -> LakeError | None:
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package in ("", "lake", "flows", "blocks"):
        return None
    return LakeError(
        f"{verb} needs the package {package}, which is not installed: run `make demo` in the checkout, or install the"
        " extra `flows`: pip install '.[flows]'"
    )
