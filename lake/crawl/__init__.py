"""Talks HTTP to a source, politely; the only room that knows httpx."""

from lake.crawl.client import Client
from lake.crawl.listing import Upstream, read_listing, read_upstream
from lake.crawl.pace import Pace
from lake.crawl.shard import Fetched, Received, Shard, Wanted, cut, fetch
from lake.crawl.source import POKEAPI_RESOURCES, Source

__all__ = [
    "POKEAPI_RESOURCES",
    "Client",
    "Fetched",
    "Pace",
    "Received",
    "Shard",
    "Source",
    "Upstream",
    "Wanted",
    "cut",
    "fetch",
    "read_listing",
    "read_upstream",
]
