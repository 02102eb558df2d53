"""The command that registers a lake in AWS Glue's data catalog."""

import sys
from typing import Annotated

import typer

from lake.bucket import LAKE_BLOCK
from lake.cli.options import AsOf, Bucket, LakeBlock, Prefix
from lake.cli.read import open_lake
from lake.cli.say import remark, say

app = typer.Typer()


@app.command()
def catalog(
    database: Annotated[str, typer.Option(help="Database of Glue; it is made if there is none.")],
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_of: AsOf = None,
    drop: Annotated[bool, typer.Option("--drop", help="Take out what was registered, and nothing else.")] = False,
) -> None:
    """Register the tables of a snapshot in AWS Glue, so that Athena reads them by their names.

    It is the current snapshot, unless --as-of names another; then that one stays until you drop it, or until a run
    registers a new one. Exit code 1 if a table could not be registered.
    """
    if drop and as_of is not None:
        raise typer.BadParameter("--drop takes out all tables, whatever they show; omit --as-of")
    from lake.catalog import drop as take_out
    from lake.catalog import register

    opened = open_lake(lake, bucket, prefix)
    if drop:
        say(str(take_out(opened.store, database)))
        return
    done = register(opened.store, database, opened.commit(as_of) if as_of is not None else None)
    say(str(done))
    for refused in done.refused:
        remark(f"- {refused}")
    sys.exit(1 if done.refused else 0)
