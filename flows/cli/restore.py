"""The command that publishes an earlier snapshot again."""

from typing import Annotated

import typer

from flows.cli.api import begin, reach_prefect
from flows.cli.held import account
from flows.cli.options import located
from lake.bucket import LAKE_BLOCK
from lake.cli.options import Bucket, LakeBlock, Prefix

app = typer.Typer()


@app.command()
def restore(
    snapshot: Annotated[str, typer.Argument(help="Name of an earlier snapshot; `pokelake snapshots` lists them.")],
    reason: Annotated[str, typer.Option(help="Why; the commit keeps it.")],
    by: Annotated[str | None, typer.Option(help="Who restores it. Default: the name of your account.")] = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
) -> None:
    """Publish an earlier snapshot again, as a new one, if it is whole; the next refresh goes on from it.

    If the source is what was bad, freeze runs first: the next refresh would fetch the same again.
    """
    if not reason.strip():
        raise typer.BadParameter("expected why, found a blank", param_hint="--reason")
    begin("restore")
    reach_prefect(runs=True)
    from flows.cli.held import finish
    from flows.restore import restore as flow

    at = located(lake, bucket, prefix)
    finish(flow(snapshot, reason, account() if by is None else by, at, return_state=True), at)
