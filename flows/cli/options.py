"""The options that the modules of the ``pokelake`` command share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.steps.runner_setting import SENTENCE, VARIABLE
from lake.bucket import require_bucket
from lake.errors import StoreError
from lake.source import SETTINGS, Source

if TYPE_CHECKING:
    from flows.steps.parameters import LakeLocation

# Where the value of an option comes from, as typer calls it.
_FLAG, _VARIABLE = "COMMANDLINE", "ENVIRONMENT"


def _given(context: typer.Context, option: str) -> str:
    source = context.get_parameter_source(option)
    return source.name if source else ""


def _with_bucket(context: typer.Context, prefix: str) -> str:
    """Return a lake's folder, if its bucket is named as well.

    A lake that the command line names by its block is that lake, whatever bucket the environment names.
    """
    if _given(context, "lake") == _FLAG and _given(context, "bucket") == _VARIABLE:
        context.params["bucket"] = None
        prefix = "" if _given(context, "prefix") == _VARIABLE else prefix
    return _with_its_bucket(context, prefix)


def _one_lake(context: typer.Context, prefix: str) -> str:
    """Do as `_with_bucket` does, and refuse two flags that name two lakes."""
    if _given(context, "lake") == _given(context, "bucket") == _FLAG:
        raise typer.BadParameter("each names a lake; pass one of them", param_hint="--lake, or --bucket")
    return _with_bucket(context, prefix)


def _with_its_bucket(context: typer.Context, prefix: str) -> str:
    try:
        require_bucket(context.params["bucket"], prefix)
    except StoreError as error:
        raise typer.BadParameter(str(error), param_hint="--prefix, or POKELAKE_PREFIX") from error
    return prefix


def bucket_option(more: str = "") -> Any:
    """Return the option of a lake's bucket, which is eager: it is read first, wherever it stands."""
    return typer.Option(envvar="POKELAKE_BUCKET", is_eager=True, help=f"Bucket of the lake.{more}")


Bucket = Annotated[str | None, bucket_option(" Default: that of the saved S3Bucket block.")]


def _prefix_option(check: Callable[[typer.Context, str], str]) -> Any:
    return typer.Option(envvar="POKELAKE_PREFIX", callback=check, help="Folder of the lake in that bucket.")


Prefix = Annotated[str, _prefix_option(_one_lake)]
# For a command to which the bucket says where the lake's block should lead.
PrefixOfBlock = Annotated[str, _prefix_option(_with_bucket)]
LakeBlock = Annotated[
    str, typer.Option("--lake", envvar="POKELAKE_LAKE", is_eager=True, help="S3Bucket block that holds the lake.")
]
SourceBlock = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_SOURCE_BLOCK", help="Block of the source. Default: that which setup saved."),
]
WorkPool = Annotated[str, typer.Option(envvar="POKELAKE_WORK_POOL", help="Name of the work pool.")]
AsOf = Annotated[str | None, typer.Option(help="A snapshot's name, a date (its end, UTC) or a time.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=0, help="Rows to print; 0 for all.")]


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
    str | None, typer.Option(envvar="POKELAKE_RESOURCES", help="Resources to crawl, separated by commas.")
]
Documents = Annotated[
    str | None,
    typer.Option(
        "--resources",
        envvar="POKELAKE_RESOURCES",
        help="Resources to crawl, separated by commas, or single documents, such as pokemon/25.",
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


def names(text: str | None) -> tuple[str, ...] | None:
    """Return the names in a list separated by commas; None if there is no list."""
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else None


def located(lake: str, bucket: str | None, prefix: str) -> "LakeLocation":
    """Return where the lake of a command lies; this loads Prefect."""
    from flows.steps.parameters import LakeLocation

    return LakeLocation(block=lake, bucket=bucket, prefix=prefix)
