"""The command that looks whether a lake is what its commits say; only to repair it needs Prefect."""

import json
from typing import Annotated

import typer

from flows.cli.api import begin, reach_prefect
from flows.cli.options import located
from lake.bucket import LAKE_BLOCK
from lake.cli.options import AsOf, Bucket, Json, LakeBlock, Prefix
from lake.cli.read import open_lake
from lake.cli.say import say, say_json

app = typer.Typer()


@app.command()
def verify(
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    every: Annotated[bool, typer.Option("--all", help="Read the files of all snapshots.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Publish the current snapshot anew if a file of it is missing or damaged.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read every file of a snapshot, and compare it with its commit; look at all commits, and at what none names.

    Exit code 1 if something is damaged; each damage is a paragraph: where, what a commit says, what was found, what to
    do. What a later snapshot has repaired is damage only of the snapshot that --as-of names. A repair builds damaged
    tables from the documents, and takes damaged documents from another snapshot that has the same file whole.
    """
    if every and as_of is not None:
        raise typer.BadParameter("--all and --as-of exclude each other")
    if repair and (as_of is not None or as_json):
        raise typer.BadParameter("--repair is about the current snapshot, and goes with neither --as-of nor --json")
    if repair:
        _repair(lake, bucket, prefix, every)
        return
    from flows.steps.bar import progress
    from lake.publish.verify import verify as look

    readers = open_lake(lake, bucket, prefix)
    snapshots = None if every else [readers.commit(as_of).snapshot]
    found = look(readers.store, progress, snapshots)
    if as_json:
        say_json(json.dumps(found.facts(), ensure_ascii=False))
        raise typer.Exit(0 if found.is_sound else 1)
    found.require_sound()
    say("\n".join((found.said(), *map(str, found.foreign))))


def _repair(lake: str, bucket: str | None, prefix: str, every: bool) -> None:
    begin("verify")
    # Before anything loads Prefect, which reads its settings then.
    reach_prefect(runs=True)
    from flows.cli.held import finish
    from flows.verify import verify as flow

    at = located(lake, bucket, prefix)
    finish(flow(at, every=every, repair=True, return_state=True), at)
