"""Tries the settings of a source: a page of each collection, some documents, and what of the settings is wrong."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from lake.crawl import rest
from lake.crawl.advice import advice
from lake.crawl.client import Client
from lake.crawl.crawler import crawler
from lake.crawl.first import FirstPage, first_page
from lake.crawl.items import UNREADABLE, find
from lake.crawl.listing import chosen, require
from lake.crawl.outline import outlined
from lake.crawl.paging import ways_on
from lake.crawl.reply import FetchError
from lake.errors import BudgetError, SourceError
from lake.resource import Document, Reference
from lake.source import Source
from lake.text import counted

# Documents with URLs of their own that are fetched of each collection.
SAMPLES = 3

# The most things that are wrong with items or documents that a trial names one by one.
_NAMED = 3

# What settings may be wrong where the source refuses a page, by its reason; the first that fits.
_REFUSED = (
    (re.compile(r"\bstatus (404|405|410)\b"), "check base_url and rest.collections"),
    (
        re.compile(r"\bstatus (400|413|414|416|422)\b"),
        "check rest.collections, rest.page_size_parameter and page_size, and the parameters of rest.paging",
    ),
    (
        re.compile(r"\bmore than [\d,]+ bytes\b"),
        "lower page_size, and check that rest.page_size_parameter sends it, or raise max_document_bytes",
    ),
    (re.compile(r"\bcontent type: "), "check base_url and rest.collections"),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One collection that was tried: its first page, and documents as a crawl would land them.

    `items` are those of the page, and `count` that of all, None if nobody knows it. `way_on` says how another page is
    found, and `follows` whether one is. `bytes` is the page's length, None if the crawler does not tell it. Documents
    that are `is_inline` came within the page. `remarks` are sentences about what may be wrong.
    """

    resource: str
    url: str
    items: int
    count: int | None
    follows: bool = False
    way_on: str = ""
    bytes: int | None = None
    etag: str | None = None
    rate_limit: Mapping[str, str] = field(default_factory=dict)
    is_inline: bool = False
    documents: tuple[Document, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def have_etags(self) -> bool:
        """Whether all documents that came have an ETag."""
        return bool(self.documents) and all(document.etag is not None for document in self.documents)


async def try_collections(client: Client) -> tuple[list[Trial], dict[str, str]]:
    """Try each collection of a source; return also what is wrong with those that cannot be read, by their names.

    Raises:
        UnknownNameError: The settings name a collection that is not there.
        SourceError: The settings are wrong whatever the source answers, or it does not answer at all.
    """
    known = crawler(client.source.kind)
    upstream = await known.probe(client)
    resources, wrong = chosen(client.source, upstream), dict[str, str]()

    async def attempt(resource: str) -> Trial | None:
        try:
            if known is rest:
                return await _try_rest(client, resource)
            listing = await known.discover(client, upstream, resource)
        except BudgetError:
            raise
        except SourceError as error:
            wrong[resource] = _advised(error)
            return None
        remarks = _few([f"{resource}: {reason}" for reason in listing.odd.values()])
        count = len(listing.references)
        return Trial(resource, require(upstream, resource), count, count, remarks=remarks)

    found = await asyncio.gather(*map(attempt, resources))
    return [trial for trial in found if trial is not None], {name: wrong[name] for name in resources if name in wrong}


async def _try_rest(client: Client, resource: str) -> Trial:
    page = await first_page(client, resource, leads_on=True)
    source, settings = client.source, rest.rest_settings(client.source)
    remarks = [*_few([f"{resource}: {reason}" for reason in _odd(page)]), *_may_be_more(page, source)]
    if settings.since_parameter:
        remarks += await _changes(client, resource, page)
    if settings.document_path:
        documents, failed = await _samples(client, resource, page)
        remarks += failed
    else:
        at = datetime.now(UTC)
        whole = [(of, item) for of, item, odd in _items(page) if odd is None and rest.problem(of, item) is None]
        documents = [of.received(None, at, item) for of, item in whole]
        if page.items and not documents:
            raise SourceError(
                f"{resource}: expected documents on the page {page.url}, found none that can land among"
                f" {counted(len(page.items), 'item')}: {next(_odd(page))}"
            )
    count = len(page.items) if page.count is None and not page.follows else page.count
    return Trial(
        resource,
        page.url,
        len(page.items),
        count,
        page.follows,
        ways_on(settings),
        page.bytes,
        page.etag,
        page.rate_limit,
        not settings.document_path,
        tuple(documents),
        tuple(remarks),
    )


def _odd(page: FirstPage) -> Iterator[str]:
    """Yield what is wrong with the items that cannot land."""
    for number, (reference, item, unnamed) in enumerate(_items(page), 1):
        if unnamed is not None:
            yield f"item {number} of the page: {unnamed}; the item is {outlined(item)}; check rest.id_path"
        elif (problem := rest.problem(reference, item)) is not None:
            yield f"item {number} of the page: {problem}"


def _items(page: FirstPage) -> Iterator[tuple[Reference, bytes, str | None]]:
    return zip(page.references, page.items, page.unnamed, strict=True)


def _may_be_more(page: FirstPage, source: Source) -> Iterator[str]:
    """Yield what leaves open whether a page that leads to no other is the last."""
    settings = rest.rest_settings(source)
    if page.follows or page.count is not None or settings.more_path:
        return
    if settings.paging == "header":
        yield (
            'the answer has no header Link with rel="next", so no page follows; check rest.paging if there are more'
            f" items; the page is {page.outline}"
        )
    elif settings.paging in ("next", "cursor") and settings.next_path and _lacks(page, settings.next_path):
        yield (
            f"the page has nothing at rest.next_path {settings.next_path!r}, so no page follows; it is {page.outline};"
            " check rest.paging and rest.next_path if there are more items"
        )


def _lacks(page: FirstPage, path: str) -> bool:
    try:
        return find(page.envelope, path) is None
    except UNREADABLE:
        return True


async def _changes(client: Client, resource: str, page: FirstPage) -> list[str]:
    """Read the listing of what has changed just now, and return what is odd about it.

    Raises:
        SourceError: It cannot be read.
    """
    settings = rest.rest_settings(client.source)
    named = f"check rest.since_parameter {settings.since_parameter!r} and rest.since_format {settings.since_format!r}"
    try:
        changed = await first_page(client, resource, since=datetime.now(UTC))
    except SourceError as error:
        raise SourceError(f"{_advised(error)}; {named}") from None
    if not page.references or changed.references != page.references:
        return []
    return [
        f"{resource}: the listing of what has just changed begins with the same {counted(len(page.items), 'item')} as"
        f" that of all, {changed.url}; {named}"
    ]


async def _samples(client: Client, resource: str, page: FirstPage) -> tuple[list[Document], list[str]]:
    """Fetch some documents of a page; return also why others did not come.

    Raises:
        SourceError: None came.
    """
    documents, failed = list[Document](), list[str]()
    settings = rest.rest_settings(client.source)
    for reference, item, unnamed in _items(page):
        if unnamed is not None:
            continue
        try:
            reply = await client.get(reference.url, check=partial(rest.problem, reference))
        except FetchError as error:
            failed.append(
                f"{resource}: {reference.url} could not be fetched: {error}; check rest.document_path"
                f" {settings.document_path!r} and rest.id_path {settings.id_path!r}; the item is {outlined(item)}"
            )
        else:
            documents.append(reference.received(reply.etag, datetime.now(UTC), reply.content))
        if len(documents) + len(failed) == SAMPLES:
            break
    if failed and not documents:
        raise SourceError(failed[0])
    return documents, failed


def _few(sentences: Sequence[str]) -> tuple[str, ...]:
    more = len(sentences) - _NAMED
    return (*sentences[:_NAMED], f"and {more:,} more like this") if more > 1 else tuple(sentences)


def _advised(error: SourceError) -> str:
    """Return an error with what the source said, and the settings that may be wrong, if it names none."""
    message, cause = str(error), error.__cause__
    if not isinstance(cause, FetchError):
        return message
    said = f"; the answer is {outlined(cause.body)}" if cause.body else ""
    named = next((settings for reason, settings in _REFUSED if reason.search(message)), None) or _clause(
        advice(message)
    )
    return f"{message}{said}; {named}"


def _clause(sentence: str) -> str:
    """Return a sentence as it goes on after a semicolon."""
    return sentence[:1].lower() + sentence[1:].removesuffix(".")
