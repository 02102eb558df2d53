"""The `Crawler` of any JSON API whose listings page by links or by cursor; its settings say all about it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlencode, urljoin

import msgspec

from lake.address import same_origin
from lake.crawl.client import Client
from lake.crawl.items import Opened, find, id_of, is_null, opened, page_problem
from lake.crawl.listing import Listing, Upstream, require
from lake.crawl.pages import Page, Pages, decoded, type_problem, urls_of
from lake.crawl.shard import Fetched, Shard
from lake.errors import SourceError
from lake.resource import Reference, resource_name
from lake.source import Rest, Source

# A page that a filter or a deletion emptied may still lead on.
EMPTY_PAGES = 10

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def probe(client: Client) -> Upstream:
    """Return the resources that the settings name; such a source gives no version.

    Raises:
        SourceError: The settings are missing, name no resource, or name one of another origin.
    """
    base, settings = client.source.base_url, _settings(client.source)
    if not settings.collections:
        raise SourceError(f"{base}: expected the paths of its listings in rest.collections, found none", False)
    with urls_of(base):
        found = {resource_name(name): urljoin(base, path) for name, path in settings.collections}
        away = [url for url in found.values() if not same_origin(base, url)]
    if away:
        raise SourceError(f"{base}: expected listings below it in rest.collections, found {away[0][:200]!r}", False)
    return Upstream(None, found)


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
        is_inline=not _settings(client.source).document_path,
    )


async def read_inline(client: Client, shard: Shard) -> Fetched:
    """Read a listing whose items are the documents; a wanted document that is not among them is gone.

    Raises:
        SourceError: The listing cannot be fetched, or does not add up.
    """
    upstream = await probe(client)
    items = await _items(client, require(upstream, shard.resource), shard.resource)
    at, ids = datetime.now(UTC), {reference.id for reference, _ in items}
    unnamed = [(reference, item.unnamed) for reference, item in items if item.unnamed is not None]
    problems = [(of, item.body, problem(of, item.body)) for of, item in items if item.unnamed is None]
    vanished = [item.reference for item in shard.wanted if item.reference.id not in ids and item.problem is None]
    failed = [(reference, why) for reference, _, why in problems if why is not None]
    if unnamed:
        # Any of them may be one of those that vanished.
        why = f"not among the items, of which {len(unnamed)} cannot be told, such as {unnamed[0][0].path}"
        failed += [(reference, f"{why}: {unnamed[0][1]}") for reference in vanished]
        failed += unnamed[len(vanished) :]
    return Fetched(
        received=[reference.received(None, at, body) for reference, body, why in problems if why is None],
        failed=failed,
        gone=[] if unnamed else vanished,
        requests=client.requests,
    )


@dataclass(frozen=True, slots=True)
class _Item:
    """An item byte for byte; without an id that can be used, also the reason."""

    body: bytes
    unnamed: str | None = None


async def _items(client: Client, start: str, resource: str) -> list[tuple[Reference, _Item]]:
    """Return every item of a listing with its reference, by ascending id; one without an id is named by its place."""
    source, settings = client.source, _settings(client.source)
    path = settings.results_path
    pages = Pages(client, f"listing of {resource}", lambda body: page_problem(body, path), EMPTY_PAGES)
    size = {settings.page_size_parameter: str(source.page_size)} if settings.page_size_parameter else {}
    named = places = 0

    def parse(address: str, body: bytes) -> Page[_Item]:
        nonlocal named, places
        page = opened(body, path)
        entries: list[tuple[Reference, _Item]] = []
        reasons = list[str]()
        for item in _results(page, path, pages.where):
            places += 1
            try:
                entries.append((_reference(source, resource, id_of(item, settings.id_path)), _Item(item)))
                named += 1
            except ValueError as error:
                place = f"{resource}[{places}]"
                reasons.append(f"{place}: {error}")
                entries.append((Reference(resource, hashed_id(place), address, place), _Item(item, str(error))))
        if reasons and not named:
            # Not one odd item, but a wrong path in the settings, or a page that is none.
            raise SourceError(f"{pages.where}: {reasons[0]}; check the settings `rest`")
        count = None
        if settings.count_path:
            count = decoded(_require(page.envelope, settings.count_path, pages.where), pages.where, int)
        following = _following(page.envelope, settings, pages.where)
        if following and settings.paging == "cursor":
            following = _with_query(start, {**size, settings.cursor_parameter: following})
        elif following:
            following = pages.join(address, following)
        return Page(entries, count, following)

    address = _with_query(start, size)
    return await pages.read_all(address, await pages.read(address), parse)


def url(source: Source, resource: str, path: str) -> str:
    """Return the URL of the document at a path; the URL of its listing if it is inline."""
    settings = _settings(source)
    if not settings.document_path:
        return urljoin(source.base_url, dict(settings.collections).get(resource, ""))
    listing, id_ = dict(settings.collections).get(resource, ""), path.removeprefix(f"{resource}/")
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


def _settings(source: Source) -> Rest:
    if source.rest is None:
        raise SourceError(f"{source.base_url}: expected the settings `rest` with kind 'rest', found none", False)
    return source.rest


def _reference(source: Source, resource: str, given: int | str) -> Reference:
    """Return the reference to the item with an id; a hash stands for a text."""
    path = f"{resource}/{quote(str(given), safe='')}"
    return Reference(resource, hashed_id(given) if isinstance(given, str) else given, url(source, resource, path), path)


def _results(page: Opened, path: str, where: str) -> list[bytes]:
    """Return the items of a page; null stands for none, as some sources write it on their last page."""
    if page.items is not None:
        return page.items
    found = _find(page.envelope, path, where)
    if found is not None and is_null(found):
        return []
    return [bytes(item) for item in decoded(_require(page.envelope, path, where), where, list[msgspec.Raw])]


def _following(page: bytes, settings: Rest, where: str) -> str | None:
    """Return the link or the cursor of the next page, None if there is none."""
    found = _find(page, settings.next_path, where) if settings.next_path else None
    following = "" if found is None or is_null(found) else decoded(found, where, object)
    if isinstance(following, bool) or not isinstance(following, int | str):
        raise SourceError(
            f"{where}: expected a link or a cursor to the next page at {settings.next_path!r}, found {following!r:.200}"
        )
    return str(following) or None


def _require(page: bytes, path: str, where: str) -> bytes:
    found = _find(page, path, where)
    if found is None or is_null(found):
        raise SourceError(f"{where}: expected something at {path!r}, found nothing; check the settings `rest`")
    return found


def _find(page: bytes, path: str, where: str) -> bytes | None:
    try:
        return find(page, path)
    except msgspec.DecodeError as error:
        raise SourceError(f"{where}: {error}") from error


def _with_query(address: str, parameters: dict[str, str]) -> str:
    if not parameters:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"
