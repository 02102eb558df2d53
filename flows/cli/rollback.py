"""The command that goes back to older code."""

import json
from typing import Annotated

import typer

from blocks.names import Names
from flows.cli.api import reach_prefect
from flows.cli.options import located
from lake.bucket import LAKE_BLOCK
from lake.cli.options import Bucket, Json, LakeBlock, Prefix
from lake.cli.say import say, say_json

app = typer.Typer()


@app.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="Code version to run. Omit it for a list.")] = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    lake: LakeBlock = LAKE_BLOCK,
    as_json: Json = False,
) -> None:
    """Let all deployments run an older code version that lies in the bucket; without one, list those."""
    reach_prefect()
    import pandas as pd

    from flows.deploy.rollback import rollback as roll
    from flows.deploy.rollback import versions
    from lake.cli.show import show

    store = located(lake, bucket, prefix).open()
    if version is None:
        show(pd.DataFrame(versions(store, Names(lake))), as_json, "no code version was ever pushed")
        return
    done = roll(store, version, Names(lake))
    if as_json:
        say_json(json.dumps(done))
        return
    for name, what in done.items():
        say(f"{name}: {what}")
