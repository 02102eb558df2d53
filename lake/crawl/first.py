"""Reads the first page of a collection, as somebody does who tries the settings of a source."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lake.crawl.client import Client
from lake.crawl.items import opened
from lake.crawl.listing import require
from lake.crawl.outline import outlined
from lake.crawl.pages import EMPTY_IF_WRONG, Page
from lake.crawl.paging import Paging
from lake.crawl.reply import Reply
from lake.crawl.rest import Item, pages_of, parser_of, probe, rest_settings
from lake.crawl.since import only_changed
from lake.errors import SourceError
from lake.resource import Reference
from lake.text import counted

# What sources say about the requests that they allow.
RATE_LIMIT_HEADERS = (
    "RateLimit",
    "RateLimit-Policy",
    *(f"{prefix}RateLimit-{what}" for prefix in ("", "X-") for what in ("Limit", "Remaining", "Reset")),
)


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The first page of a collection: its items byte for byte, and a reference to each, in the page's order.

    `unnamed` says of each item why its id cannot be used, None if it can.

    `count` is that of the whole collection, None if the source does not state it; `follows` tells whether another page
    is asked for. `envelope` is the page with an empty list of items, `outline` the whole page in a line, `bytes` its
    length, decompressed. `rate_limit` are headers that say what is allowed.
    """

    url: str
    references: tuple[Reference, ...]
    items: tuple[bytes, ...]
    unnamed: tuple[str | None, ...]
    envelope: bytes
    outline: str
    count: int | None
    follows: bool
    bytes: int
    etag: str | None
    rate_limit: Mapping[str, str]


async def first_page(client: Client, resource: str, leads_on: bool = False, since: datetime | None = None) -> FirstPage:
    """Read one page of a collection, or of a listing of what changed in it since a time.

    With `leads_on` the page that follows is read as well, because only that shows whether the settings lead to another.

    Raises:
        UnknownNameError: The settings name no such resource.
        SourceError: A page cannot be fetched, or is another one than the settings say; the message names the setting.
    """
    upstream, settings = await probe(client), rest_settings(client.source)
    start = require(only_changed(client.source, upstream, {resource: since}) if since else upstream, resource)
    paging = Paging(client.source, settings, start, f"listing of {resource}")
    pages, url = pages_of(client, resource, paging, RATE_LIMIT_HEADERS), paging.address
    parse, seen = parser_of(client.source, resource, paging, pages.where), list[Page[Item]]()
    first = await pages.read(url)
    outline = outlined(first.content)

    def noted(address: str, reply: Reply) -> Page[Item]:
        seen.append(page := parse(address, reply))
        if len(seen) == 1 and page.following is None and page.count is not None and len(page.entries) < page.count:
            raise SourceError(
                f"{pages.where}: expected another page, because {paging.counted_by} says {page.count:,} and this has"
                f" {counted(len(page.entries), 'item')}, found none after {outline}; check {paging.led_by},"
                f" and {paging.counted_by}, {EMPTY_IF_WRONG}"
            )
        return page

    await pages.read_all(url, first, noted, most_pages=2 if leads_on else 1)
    page = seen[0]
    is_sure = page.is_sure or not leads_on or any(other.entries for other in seen[1:])
    return FirstPage(
        url,
        tuple(reference for reference, _ in page.entries),
        tuple(item.body for _, item in page.entries),
        tuple(item.unnamed for _, item in page.entries),
        opened(first.content, settings.results_path).envelope,
        outline,
        page.count,
        page.following is not None and is_sure,
        len(first.content),
        first.etag,
        {name: value for name, value in first.headers.items() if name in RATE_LIMIT_HEADERS},
    )
