"""What the modules of the ``pokelake`` command share: their options."""

from typing import Annotated

import typer

Bucket = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_BUCKET", help="Bucket of the lake; without it, the saved S3Bucket block."),
]
Prefix = Annotated[str, typer.Option(envvar="POKELAKE_PREFIX", help="Folder of the lake in that bucket.")]
AsOf = Annotated[str | None, typer.Option(help="A snapshot's name, a date (its end, UTC) or a time.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=0, help="Rows to print; 0 for all.")]

SourceUrl = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_SOURCE", help="Address of the API; without it, the saved source block."),
]
Resources = Annotated[
    str | None, typer.Option(envvar="POKELAKE_RESOURCES", help="Resources to crawl, separated by commas.")
]
Rate = Annotated[
    float | None,
    typer.Option(
        envvar="POKELAKE_REQUESTS_PER_SECOND",
        min=0,
        help="Requests a second, 0 for no limit. [default: as the block says, else 10; no limit on loopback]",
    ),
]
Connections = Annotated[
    int | None, typer.Option(envvar="POKELAKE_CONNECTIONS", min=1, help="Connections to the API at the same time.")
]
Shards = Annotated[
    int | None,
    typer.Option(envvar="POKELAKE_PARALLEL_SHARDS", min=1, help="Shards at work at the same time."),
]
UserAgent = Annotated[
    str | None,
    typer.Option(envvar="POKELAKE_USER_AGENT", help="How requests introduce themselves; with a way to reach you."),
]


def names(text: str | None) -> tuple[str, ...] | None:
    """Return the names in a list separated by commas, None where nothing was said."""
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else None
