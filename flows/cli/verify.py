"""The command that looks whether a lake is what its commits say; it needs no Prefect if it is told which lake."""

import json
from typing import Annotated

import typer

from blocks.names import LAKE_BLOCK
from flows.cli.options import AsOf, Bucket, Json, LakeBlock, Prefix
from flows.cli.read import open_lake
from flows.cli.say import say, say_json

app = typer.Typer()


@app.command()
def verify(
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    every: Annotated[bool, typer.Option("--all", help="Read the files of all snapshots.")] = False,
    as_json: Json = False,
) -> None:
    """Read every file of a snapshot, and compare it with its commit; look at all commits, and at what none names.

    Exit code 1 if something is damaged; each damage is a paragraph: where, what a commit says, what was found, what to
    do.
    """
    if every and as_of is not None:
        raise typer.BadParameter("--all and --as-of exclude each other")
    from flows.steps.bar import progress
    from lake.publish.verify import verify as look

    readers = open_lake(lake, bucket, prefix)
    snapshots = None if every else [readers.commit(as_of).snapshot]
    found = look(readers.store, progress, snapshots)
    if as_json:
        say_json(json.dumps(found.facts(), ensure_ascii=False))
        raise typer.Exit(0 if found.is_sound else 1)
    found.require_sound()
    say("\n".join((found.line(), *map(str, found.foreign))))
