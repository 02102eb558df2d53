"""The `Crawler` of any JSON API whose listings page; its settings say all about it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, unquote, urljoin

import msgspec

from lake.address import same_origin, spelled
from lake.crawl.client import Client
from lake.crawl.items import UNREADABLE, Opened, find, id_of, is_null, opened, page_problem
from lake.crawl.listing import Listing, Upstream, require
from lake.crawl.outline import outlined, wrong_path
from lake.crawl.pages import Page, Pages, type_problem, urls_of
from lake.crawl.paging import Paging
from lake.crawl.reply import Reply
from lake.crawl.shard import Fetched, Shard
from lake.errors import SourceError
from lake.resource import Reference, is_resource_name
from lake.source import Rest, Source
from lake.text import shown

# A page that a filter or a deletion emptied may still lead on.
EMPTY_PAGES = 10

# An id that is an address itself, whole or below the origin of the source.
_ADDRESS = re.compile(r"https?://|/", re.IGNORECASE)

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def probe(client: Client) -> Upstream:
    """Return the resources that the settings name; such a source gives no version.

    Raises:
        SourceError: The settings are missing, name no resource, or name one of another origin.
    """
    base, settings = client.source.base_url, rest_settings(client.source)
    if not settings.collections:
        raise SourceError(f"{base}: expected the paths of its listings in rest.collections, found none", False)
    if spelled(base) is None:
        raise SourceError(
            "base_url (--source): expected an address of http or https, such as https://api.example.com/, found"
            f" {shown(repr(base))}",
            False,
        )
    _require_names(settings.collections)
    with urls_of(base):
        found = {name: urljoin(base, path) for name, path in settings.collections}
        away = [url for url in found.values() if not same_origin(base, url)]
    if away:
        raise SourceError(f"{base}: expected listings below it in rest.collections, found {away[0][:200]!r}", False)
    if settings.paging == "offset" and not settings.page_size_parameter:
        raise SourceError(
            f"{base}: expected the query parameter of the page size in rest.page_size_parameter, because rest.paging is"
            " 'offset', found none",
            False,
        )
    return Upstream(None, found)


def _require_names(collections: Sequence[tuple[str, str]]) -> None:
    if odd := [(name, path) for name, path in collections if not is_resource_name(name)]:
        better = ", ".join(f'"{_suggested(name)}": "{path}"' for name, path in odd)
        names = ", ".join(map(repr, dict(odd)))
        raise SourceError(
            "rest.collections: expected lower-case letters, digits and dashes in the names of resources, found"
            f" {shown(names)}; the path may be as it is, so write {shown(better)}",
            False,
        )


def _suggested(name: str) -> str:
    """Return a name of a resource that reads like another one.

    >>> _suggested("stop_times"), _suggested("1 My Coll"), _suggested("...")
    ('stop-times', 'my-coll', 'name')
    """
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")
    return words[:63].rstrip("-") or "name"


async def discover(client: Client, upstream: Upstream, resource: str) -> Listing:
    """Return every document of a resource that the source lists.

    Raises:
        UnknownNameError: The settings name no such resource.
        SourceError: The listing cannot be fetched, or does not add up.
    """
    items = await _items(client, require(upstream, resource), resource)
    return Listing(
        resource,
        tuple(reference for reference, _ in items),
        odd={reference.id: item.unnamed for reference, item in items if item.unnamed is not None},
        is_inline=not rest_settings(client.source).document_path,
    )


async def read_inline(client: Client, shard: Shard) -> Fetched:
    """Read a listing whose items are the documents; a wanted document that is not among them is gone.

    Of a listing that has only what changed, it is as it was.

    Raises:
        SourceError: The listing cannot be fetched, or does not add up.
    """
    start = shard.changes or require(await probe(client), shard.resource)
    items = await _items(client, start, shard.resource)
    at, ids = datetime.now(UTC), {reference.id for reference, _ in items}
    unnamed = [(reference, item.unnamed) for reference, item in items if item.unnamed is not None]
    problems = [(of, item.body, problem(of, item.body)) for of, item in items if item.unnamed is None]
    vanished = [item.reference for item in shard.wanted if item.reference.id not in ids and item.problem is None]
    failed = [(reference, why) for reference, _, why in problems if why is not None]
    unchanged, vanished = (vanished, []) if shard.changes else ([], vanished)
    if unnamed:
        # Any of them may be one of those that vanished.
        why = f"not among the items, of which {len(unnamed)} cannot be told, such as {unnamed[0][0].path}"
        failed += [(reference, f"{why}: {unnamed[0][1]}") for reference in vanished]
        failed += unnamed[len(vanished) :]
    return Fetched(
        received=[reference.received(None, at, body) for reference, body, why in problems if why is None],
        unchanged=unchanged,
        failed=failed,
        gone=[] if unnamed else vanished,
        requests=client.requests,
    )


@dataclass(frozen=True, slots=True)
class Item:
    """An item byte for byte; without an id that can be used, also the reason."""

    body: bytes
    unnamed: str | None = None


async def _items(client: Client, start: str, resource: str) -> list[tuple[Reference, Item]]:
    """Return every item of a listing with its reference, by ascending id; one without an id is named by its place."""
    paging = Paging(client.source, rest_settings(client.source), start, f"listing of {resource}")
    pages, address = pages_of(client, resource, paging), paging.address
    parse = parser_of(client.source, resource, paging, pages.where)
    return await pages.read_all(address, await pages.read(address), parse)


def pages_of(client: Client, resource: str, paging: Paging, keep: tuple[str, ...] = ()) -> Pages:
    """Return the pages of a listing, of which the headers `keep` are wanted as well."""
    path = rest_settings(client.source).results_path
    where, keep = f"listing of {resource}", (*paging.keep, *keep)
    return Pages(
        client, where, lambda body: page_problem(body, path), EMPTY_PAGES, paging.led_by, keep, paging.counted_by
    )


def parser_of(source: Source, resource: str, paging: Paging, where: str) -> Callable[[str, Reply], Page[Item]]:
    """Return the function that takes the pages of a listing apart, one after the other."""
    settings = rest_settings(source)
    named = places = 0

    def parse(address: str, reply: Reply) -> Page[Item]:
        nonlocal named, places
        page = opened(reply.content, settings.results_path)
        entries: list[tuple[Reference, Item]] = []
        odd = list[str]()
        for item in _results(page, settings.results_path, where):
            places += 1
            try:
                entries.append((_reference(source, resource, id_of(item, settings.id_path)), Item(item)))
                named += 1
            except ValueError as error:
                place = f"{resource}[{places}]"
                odd.append(f"{place}: {error}; the item is {outlined(item)}")
                entries.append((Reference(resource, hashed_id(place), address, place), Item(item, str(error))))
        if odd and not named:
            # Not one odd item, but a wrong path in the settings, or a page that is none.
            raise SourceError(f"{where}: {odd[0]}; check rest.id_path and rest.results_path")
        lead = paging.after(address, page, len(entries), reply)
        return Page(entries, lead.count, lead.following, lead.is_sure)

    return parse


def url(source: Source, resource: str, path: str) -> str:
    """Return the URL of the document at a path; the URL of its listing if it is inline."""
    settings = rest_settings(source)
    if not settings.document_path:
        return urljoin(source.base_url, dict(settings.collections).get(resource, ""))
    listing, id_ = dict(settings.collections).get(resource, ""), path.removeprefix(f"{resource}/")
    if settings.document_path == "{id}" and _ADDRESS.match(given := unquote(id_)):
        return urljoin(source.base_url, given)
    return source.base_url + settings.document_path.replace("{listing}", listing).replace("{id}", id_)


def problem(reference: Reference, body: bytes) -> str | None:
    """Say what is wrong with a document's body, None if it is a whole JSON object in UTF-8."""
    return type_problem(body, _object)


def hashed_id(text: str) -> int:
    """Return the number, of 63 bits, that stands for an id that is a string.

    >>> hashed_id("@pallet/oak")
    4637477345790786388
    """
    return int.from_bytes(sha256(text.encode()).digest()[:8]) >> 1


def rest_settings(source: Source) -> Rest:
    """Return how a source's listings are read, and raise `SourceError` if its settings do not say it."""
    if source.rest is None:
        raise SourceError(f"{source.base_url}: expected the settings `rest` with kind 'rest', found none", False)
    return source.rest


def _reference(source: Source, resource: str, given: int | str) -> Reference:
    """Return the reference to the item with an id; a hash stands for a text.

    Raises:
        ValueError: The id is the address of a document that is not of this source.
    """
    path = f"{resource}/{quote(str(given), safe='')}"
    address = url(source, resource, path)
    if not same_origin(source.base_url, address):
        raise ValueError(f"expected the address of a document below {source.base_url}, found {address[:200]!r}")
    return Reference(resource, hashed_id(given) if isinstance(given, str) else given, address, path)


def _results(page: Opened, path: str, where: str) -> list[bytes]:
    """Return the items of a page; null stands for none, as some sources write it on their last page."""
    if page.items is not None:
        return page.items
    try:
        found = find(page.envelope, path)
    except UNREADABLE:
        found = None
    if found is not None and is_null(found):
        return []
    raise wrong_path(where, "a list of items", "results_path", path, page.envelope, page.envelope)
