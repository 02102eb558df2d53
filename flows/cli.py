"""The ``pokelake`` command; Prefect is loaded only by the commands that need it."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.stack import QUIET, RECORDER
from lake.errors import LakeError

if TYPE_CHECKING:
    from lake.read import Lake

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="PokeAPI as a data lake: crawled politely, published atomically as partitioned Parquet.",
)

Bucket = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_BUCKET", help="Bucket of the lake; without it, the saved S3Bucket block."),
]
Prefix = Annotated[str, typer.Option(envvar="POKELAKE_PREFIX", help="Folder of the lake in that bucket.")]
AsOf = Annotated[str | None, typer.Option(help="A snapshot's name, a date (its end, UTC) or a time.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SourceUrl = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_SOURCE", help="Address of the API; without it, the saved source block."),
]
Resources = Annotated[
    str | None, typer.Option(envvar="POKELAKE_RESOURCES", help="Resources to crawl, separated by commas.")
]
Rate = Annotated[
    float | None,
    typer.Option(
        envvar="POKELAKE_REQUESTS_PER_SECOND",
        min=0,
        help="Requests a second, 0 for no limit. [default: as the block says, else 10; no limit on loopback]",
    ),
]
Connections = Annotated[
    int | None, typer.Option(envvar="POKELAKE_CONNECTIONS", min=1, help="Connections to the API at the same time.")
]
Shards = Annotated[
    int | None,
    typer.Option(envvar="POKELAKE_PARALLEL_SHARDS", min=1, help="Shards at work at the same time."),
]
UserAgent = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_USER_AGENT", help="How requests introduce themselves; with a way to reach you."),
]
RetryDelay = Annotated[
    float | None,
    typer.Option(envvar="POKELAKE_RETRY_DELAY_SECONDS", min=0, help="Scale of the delay between tries."),
]
AllowShrink = Annotated[
    list[str] | None,
    typer.Option(help="A table or resource that may lose rows or documents this time; may be given again."),
]


@app.command()
def refresh(
    source: SourceUrl = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    resources: Resources = None,
    requests_per_second: Rate = None,
    connections: Connections = None,
    parallel_shards: Shards = None,
    user_agent: UserAgent = None,
    retry_delay_seconds: RetryDelay = None,
    allow_shrink: AllowShrink = None,
) -> None:
    """Crawl what may have changed and publish a new snapshot if something did."""
    _prepare_prefect()
    from flows.parameters import LakeLocation, SourceChoice
    from flows.refresh import refresh as flow

    state = flow(
        lake=LakeLocation(bucket=bucket, prefix=prefix),
        source=SourceChoice(
            base_url=source,
            resources=_names(resources),
            requests_per_second=requests_per_second,
            connections=connections,
            parallel_shards=parallel_shards,
            user_agent=user_agent,
            retry_delay_seconds=retry_delay_seconds,
        ),
        allow_shrink=allow_shrink or [],
        return_state=True,
    )
    if state.is_failed() or state.is_crashed():
        state.result()
    print(f"{state.name}: {state.message}")


@app.command()
def setup(
    bucket: Annotated[str, typer.Option(envvar="POKELAKE_BUCKET", help="Bucket of the lake.")],
    prefix: Prefix = "",
    source: SourceUrl = None,
    resources: Resources = None,
    requests_per_second: Rate = None,
    connections: Connections = None,
    user_agent: UserAgent = None,
) -> None:
    """Save the Prefect blocks that the flows look for; again changes nothing."""
    _prepare_prefect()
    from blocks.setup import setup as save_blocks
    from flows.parameters import SourceChoice
    from lake.crawl import Source

    choice = SourceChoice(
        base_url=source or Source().base_url,
        resources=_names(resources),
        requests_per_second=requests_per_second,
        connections=connections,
        user_agent=user_agent,
    )
    for name, done in save_blocks(bucket, prefix, choice.resolve()).items():
        print(f"{done:8} {name}")


@app.command()
def tables(bucket: Bucket = None, prefix: Prefix = "", as_of: AsOf = None, as_json: Json = False) -> None:
    """List the tables of a snapshot: rows, bytes, partitions, what a row stands for."""
    from flows.show import show

    show(_lake(bucket, prefix).tables(as_of), as_json)


@app.command()
def snapshots(bucket: Bucket = None, prefix: Prefix = "", as_json: Json = False) -> None:
    """List the published snapshots, newest first."""
    from flows.show import show

    show(_lake(bucket, prefix).snapshots(), as_json)


@app.command()
def read(
    table: Annotated[str, typer.Argument(help="Name of the table.")],
    where: Annotated[
        list[str] | None, typer.Option(help="A filter such as 'generation == 1'; may be given again.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns, separated by commas.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to print; 0 for all.")] = 20,
    bucket: Bucket = None,
    prefix: Prefix = "",
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Print rows of a table."""
    from flows.show import parse_filter, show

    try:
        filters = [parse_filter(text) for text in where or []]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from error
    rows = _lake(bucket, prefix).read(table, filters or None, _names(columns), as_of)
    show(rows.head(limit) if limit else rows, as_json)
    if limit < len(rows) and limit:
        print(f"{limit} of {len(rows):,} rows; --limit 0 prints all", file=sys.stderr)


@app.command()
def replica(
    corpus: Annotated[str, typer.Option(help="An api-data folder or .tar.xz, or 'demo'.")] = "demo",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Serve a corpus as PokeAPI does, for work without a network."""
    from lake.replica import CorpusError, open_corpus, serve

    try:
        serve(open_corpus(corpus), host, port)
    except CorpusError as error:
        raise LakeError(str(error)) from error


@app.command()
def demo(
    corpus: Annotated[str, typer.Option(help="An api-data folder or .tar.xz instead of the built-in corpus.")] = "demo",
    source: Annotated[str | None, typer.Option(help="A live API to crawl instead of the replica.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
) -> None:
    """Show the whole of it on this machine: S3, PokeAPI, Prefect, a snapshot, a query, a second refresh."""
    from flows.demo import run

    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    run(corpus, source, keep)


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else None


def _prepare_prefect() -> None:
    """Set what Prefect reads when it is loaded: its log is for those who ask for it, records are written in batches."""
    for name, value in {**QUIET, **RECORDER}.items():
        os.environ.setdefault(name, value)


def _lake(bucket: str | None, prefix: str) -> "Lake":
    from lake.read import Lake

    if bucket:
        return Lake(f"s3://{bucket}/{prefix}")
    _prepare_prefect()
    from flows.parameters import LakeLocation

    return Lake(LakeLocation().open())


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; what the world got wrong is one paragraph on standard error and exit code 1."""
    try:
        return app(arguments)
    except LakeError as error:
        print(f"pokelake: {error}", file=sys.stderr)
        sys.exit(1)
