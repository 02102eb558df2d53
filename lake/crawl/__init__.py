"""Crawls a source over HTTP, politely. Only this room knows aiohttp and httpx."""

from lake.crawl.advice import advice, may_pass
from lake.crawl.batch import Batch, batches
from lake.crawl.breaker import are_several
from lake.crawl.client import Client
from lake.crawl.crawler import Crawler, crawler
from lake.crawl.cut import believed, cut
from lake.crawl.fetch import fetch
from lake.crawl.key import Key, key_of
from lake.crawl.listing import Listing, Upstream, chosen
from lake.crawl.listings import read_listings
from lake.crawl.pace import Pace
from lake.crawl.picked import Picked, followed, in_order, narrowed, picked_documents, with_encounters
from lake.crawl.process import Fetcher
from lake.crawl.shard import CUT_SHORT, Fetched, Shard, Wanted
from lake.crawl.since import OVERLAP, cut_changes, only_changed
from lake.source import Rest, Source

__all__ = [
    "CUT_SHORT",
    "OVERLAP",
    "Batch",
    "Client",
    "Crawler",
    "Fetched",
    "Fetcher",
    "Key",
    "Listing",
    "Pace",
    "Picked",
    "Rest",
    "Shard",
    "Source",
    "Upstream",
    "Wanted",
    "advice",
    "are_several",
    "batches",
    "believed",
    "chosen",
    "crawler",
    "cut",
    "cut_changes",
    "fetch",
    "followed",
    "in_order",
    "key_of",
    "may_pass",
    "narrowed",
    "only_changed",
    "picked_documents",
    "read_listings",
    "with_encounters",
]
