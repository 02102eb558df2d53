"""The options of the commands that read a lake; others share them."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from lake.bucket import require_bucket
from lake.cli.say import remark
from lake.errors import StoreError

# Where a day begins first, it begins so long before that of UTC.
_EARLIEST_ZONE = timedelta(hours=14)

# Rows that a terminal gets by default.
_ON_TERMINAL = 20

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


def _one_form(context: typer.Context, as_csv: bool) -> bool:
    """Refuse two forms of output at once; that of JSON is read first, wherever it stands."""
    if as_csv and context.params.get("as_json"):
        raise typer.BadParameter("each is a form of the whole output; pass one of them", param_hint="--json, or --csv")
    return as_csv


def _past(as_of: str | None) -> str | None:
    """Return what was asked for; say so of a day that has begun nowhere on earth."""
    with suppress(ValueError):
        if as_of and datetime.fromisoformat(as_of).date() > (datetime.now(UTC) + _EARLIEST_ZONE).date():
            remark(f"--as-of {as_of} is in the future; the newest snapshot follows, and by then there may be others")
    return as_of


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
AsOf = Annotated[str | None, typer.Option(callback=_past, help="A snapshot's name, a date (its end, UTC) or a time.")]
Json = Annotated[bool, typer.Option("--json", is_eager=True, help="Print JSON.")]
Csv = Annotated[bool, typer.Option("--csv", callback=_one_form, help="Print CSV.")]
Limit = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="N", help=f"Rows to print; 0: all. Default: {_ON_TERMINAL} on a terminal, otherwise all."
    ),
]


def most(limit: int | None, is_for_program: bool) -> int:
    """Return how many rows are printed (0: all): so many as are asked for, or else all, except to a terminal."""
    if limit is not None:
        return limit
    return 0 if is_for_program or not sys.stdout.isatty() else _ON_TERMINAL


def names(texts: Sequence[str] | None, option: str) -> tuple[str, ...] | None:
    """Return the names of an option that may be repeated, and separated by commas; None if it was not given."""
    if not texts:
        return None
    found = tuple(name.strip() for text in texts for name in text.split(",") if name.strip())
    if not found:
        raise typer.BadParameter("expected names, separated by commas, found none; omit it for all", param_hint=option)
    return tuple(dict.fromkeys(found))
