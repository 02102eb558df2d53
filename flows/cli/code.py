"""The commands that bring code to where it runs: push it, bake it into an image, or serve it on one machine."""

import os
from pathlib import Path
from typing import Annotated

import typer

from blocks.names import Names
from flows.cli.api import reach_prefect
from flows.cli.options import SourceBlock, WorkPool
from flows.cli.settings import prepare_prefect
from lake.bucket import LAKE_BLOCK
from lake.cli.options import LakeBlock
from lake.cli.say import say
from lake.proxies import check_proxies

app = typer.Typer()


@app.command()
def push(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be uploaded.")] = False,
    lake: LakeBlock = LAKE_BLOCK,
) -> None:
    """Upload the code in this folder as a code version; `prefect deploy` does so by itself."""
    prepare_prefect()
    from flows.deploy.code import collect, push_code

    if dry_run:
        say("\n".join(collect(Path.cwd()).lines()))
    else:
        reach_prefect()
        push_code(lake)


@app.command()
def serve(lake: LakeBlock = LAKE_BLOCK, source_block: SourceBlock = None) -> None:
    """Run every deployment of prefect.yaml on its schedule on this machine, without a work pool, until Ctrl-C."""
    # Whoever watches a run that it starts reads what the run says.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
    check_proxies()
    reach_prefect()
    from flows.deploy.serve import serve as run

    run(Names(lake), source_block or "")


@app.command()
def deploy_image(
    image: Annotated[str, typer.Argument(help="Image that holds the code, built from Dockerfile.baked.")],
    work_pool: WorkPool = "pokelake",
    lake: LakeBlock = LAKE_BLOCK,
    source_block: SourceBlock = None,
) -> None:
    """Deploy everything in prefect.yaml with the code of an image, so that runs pull nothing."""
    reach_prefect()
    from flows.deploy.serve import deploy_image as deploy

    deploy(image, work_pool, Names(lake), source_block or "")


@app.command()
def image_tag() -> None:
    """Print the tag of the image that this checkout's Dockerfile builds; another lock of packages has another tag."""
    from flows.deploy.image import image_tag as tag

    say(tag(Path.cwd()))
