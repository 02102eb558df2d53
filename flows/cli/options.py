"""The options that the modules of the ``pokelake`` command share."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.steps.runner_setting import SENTENCE, VARIABLE
from lake.bucket import require_plain
from lake.errors import StoreError
from lake.source import SETTINGS, Source

if TYPE_CHECKING:
    from flows.steps.parameters import LakeLocation
    from lake.store import Store

SourceBlock = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_SOURCE_BLOCK", help="Block of the source. Default: that which setup saved."),
]
WorkPool = Annotated[str, typer.Option(envvar="POKELAKE_WORK_POOL", help="Name of the work pool.")]


def _setting(name: str, more: str = "") -> Any:
    """Return the option of a source's setting, with the bound and the sentence of its declaration."""
    declared = SETTINGS[name]
    sentence = f"{declared['description']} {more}".strip()
    # A short word for a number leaves 80 columns room for the variable's name.
    word = "N" if "ge" in declared else None
    return typer.Option(envvar=f"POKELAKE_{name.upper()}", min=declared.get("ge"), help=sentence, metavar=word)


# These two differ from their declarations: one chooses between an address and a block, the other cannot say "all".
SourceUrl = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_SOURCE", help="Address of the API. Default: that of the source block."),
]
Resources = Annotated[
    list[str] | None,
    typer.Option(envvar="POKELAKE_RESOURCES", help="Resources to crawl, separated by commas; may be given again."),
]
Documents = Annotated[
    list[str] | None,
    typer.Option(
        "--resources",
        envvar="POKELAKE_RESOURCES",
        help="Resources to crawl, separated by commas, or single documents, such as pokemon/25; may be given again.",
    ),
]
Rate = Annotated[
    float | None,
    _setting("requests_per_second", f"Default: the block's, or {Source().requests_per_second}; 0 on loopback."),
]
Connections = Annotated[int | None, _setting("connections")]
Shards = Annotated[int | None, _setting("parallel_shards")]
UserAgent = Annotated[str | None, _setting("user_agent")]
AllowShrink = Annotated[
    list[str] | None,
    typer.Option(help="A table or resource that may lose rows or documents this time; you can repeat it."),
]
Force = Annotated[
    bool, typer.Option("--force", help="Ask for every document anew, although the source's version is known.")
]
Runner = Annotated[str, typer.Option(envvar=VARIABLE, help=f"{SENTENCE} Default: threads.", metavar="RUNNER")]
RetryDelay = Annotated[float | None, _setting("retry_delay_seconds")]


def located(lake: str, bucket: str | None, prefix: str) -> "LakeLocation":
    """Return where the lake of a command lies; this loads Prefect."""
    from flows.steps.parameters import LakeLocation

    return LakeLocation(block=lake, bucket=bucket, prefix=prefix)


def saved_lake(block: str) -> "Store":
    """Open the lake of a saved block, for which Prefect's API is asked."""
    from flows.cli.api import reach_prefect

    reach_prefect()
    return located(block, None, "").open()


def require_place(bucket: str | None, prefix: str) -> None:
    """Refuse a place where no lake may begin, unless one is there; a run would say so seconds later.

    Raises:
        StoreError: Readers could not take the address of such a lake as it is.
    """
    if bucket is None:
        return
    try:
        require_plain(bucket, prefix)
    except StoreError:
        from lake.commit import head
        from lake.store import Store

        store = Store(bucket, prefix)
        if head(store) is None:
            require_plain(store.bucket, store.prefix)
