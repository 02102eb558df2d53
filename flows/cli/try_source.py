"""The command that tries a source: what a crawl would find, land and take, by one page of each of its collections."""

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.api import reach_prefect
from flows.cli.options import SourceBlock, SourceUrl, located
from flows.cli.source_flags import flag_of, over, with_flags
from lake.address import is_loopback
from lake.bucket import LAKE_BLOCK
from lake.cli.options import Json, LakeBlock
from lake.cli.say import emit, say_json
from lake.errors import SourceError
from lake.source import Source
from lake.text import shown

if TYPE_CHECKING:
    from lake.crawl import Key
    from lake.crawl.trial import Trial

# Somebody waits for the answer, and runs the command again.
_ATTEMPTS = 2

app = typer.Typer()


@app.command()
@with_flags
def try_source(
    source: SourceUrl = None,
    source_block: SourceBlock = None,
    lake: LakeBlock = LAKE_BLOCK,
    key_variable: Annotated[
        str, typer.Option(help="Environment variable that has the key. Default: the key of api_key_block.")
    ] = "",
    as_json: Json = False,
    **settings: Any,
) -> None:
    """Fetch a page of each collection: show the tables that it would land, what a crawl takes, and the block to save.

    Nothing is written anywhere. Where another page follows, that one is fetched as well, to see whether the settings
    lead to it, and so are three documents if they have URLs of their own. With --source no block need be saved, and
    Prefect is asked for a key alone, if --api-key-block names it. Flags take the place of a block's settings. Exit code
    1 if a collection cannot be read.
    """
    from flows.cli.tried import Tried
    from flows.cli.tried_text import text

    chosen = over(_begun(source, source_block, lake), settings)
    if chosen.kind == "rest" and not (chosen.rest and chosen.rest.collections):
        raise typer.BadParameter(
            "expected the collections of a source of kind rest, such as trainer=trainers, found none",
            param_hint=flag_of("collections"),
        )
    trials, wrong, requests = _asked(chosen, key_variable)
    # A new block is called after its first collection.
    name = source_block if source_block and source is None else next(iter(wrong or [of.resource for of in trials]), "")
    tried = Tried.of(chosen, trials, wrong, requests, name, key_variable)
    if as_json:
        say_json(tried.json())
    elif trials:
        emit([text(tried), "\n"])
    if wrong:
        raise SourceError("\n".join(wrong.values()))


def _begun(url: str | None, block: str | None, lake: str) -> Source:
    """Return the source that flags are about: an address without further settings, or a saved block."""
    if url is not None:
        # A server on loopback is one's own, and needs no politeness.
        return Source(url, "rest", requests_per_second=0 if is_loopback(url) else Source().requests_per_second)
    reach_prefect()
    from flows.steps.parameters import SourceChoice

    return SourceChoice(block=block).resolve(located(lake, None, ""))


def _asked(source: Source, key_variable: str) -> tuple[list["Trial"], dict[str, str], int]:
    """Try a source; return also what is wrong with some of its collections, and how many requests that took."""
    from lake.crawl import Client, Pace
    from lake.crawl.trial import try_collections

    key, patient = _key(source, key_variable), replace(source, attempts=min(source.attempts, _ATTEMPTS))

    async def ask() -> tuple[list["Trial"], dict[str, str], int]:
        async with Client(patient, Pace(patient), patient.connections, key) as client:
            return *await try_collections(client), client.requests

    return asyncio.run(ask())


def _key(source: Source, variable: str) -> "Key | None":
    if variable:
        from lake.crawl import key_of

        if not (secret := os.environ.get(variable)):
            raise typer.BadParameter(
                f"expected the name of an environment variable that has the key, found {shown(variable)!r}, which is"
                " not set",
                param_hint="--key-variable",
            )
        return key_of(source, secret, f"variable {variable}")
    if not source.api_key_block and source.api_key_in == "header":
        return None
    if not source.api_key_block:
        raise typer.BadParameter(
            f"expected what holds the key, because api_key_in is {source.api_key_in!r}, found neither",
            param_hint="--key-variable, or --api-key-block",
        )
    reach_prefect()
    from blocks.secret import source_key

    return source_key(source)
