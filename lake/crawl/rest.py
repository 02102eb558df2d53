"""The `Crawler` of any JSON API whose listings page by links or by cursor; its settings say all about it."""

from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlencode, urljoin

import msgspec

from lake.address import same_origin
from lake.crawl.client import Client
from lake.crawl.listing import Listing, Upstream, require
from lake.crawl.pages import Page, Pages, decoded, type_problem, urls_of
from lake.crawl.shard import Fetched, Shard
from lake.errors import SourceError
from lake.resource import Reference, resource_name
from lake.source import Rest, Source

# A page that a filter or a deletion emptied may still lead on.
EMPTY_PAGES = 10

# A longer id makes an address that no server takes.
MAX_ID_LENGTH = 1000

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def probe(client: Client) -> Upstream:
    """Return the resources that the settings name; such a source gives no version.

    Raises:
        SourceError: The settings are missing, name no resource, or name one of another origin.
    """
    base, settings = client.source.base_url, _settings(client.source)
    if not settings.collections:
        raise SourceError(f"{base}: expected the paths of its listings in rest.collections, found none")
    with urls_of(base):
        found = {resource_name(name): urljoin(base, path) for name, path in settings.collections}
        away = [url for url in found.values() if not same_origin(base, url)]
    if away:
        raise SourceError(f"{base}: expected listings below it in rest.collections, found {away[0][:200]!r}")
    return Upstream(None, found)


async def discover(client: Client, upstream: Upstream, resource: str) -> Listing:
    """Return every document of a resource that the source lists.

    Raises:
        UnknownNameError: The settings name no such resource.
        SourceError: The listing cannot be fetched, or does not add up.
    """
    items = await _items(client, require(upstream, resource), resource)
    return Listing(
        resource, tuple(reference for reference, _ in items), is_inline=not _settings(client.source).document_path
    )


async def read_inline(client: Client, shard: Shard) -> Fetched:
    """Read a listing whose items are the documents; a wanted document that is not among them is gone.

    Raises:
        SourceError: The listing cannot be fetched, or does not add up.
    """
    upstream = await probe(client)
    items = await _items(client, require(upstream, shard.resource), shard.resource)
    at, ids = datetime.now(UTC), {reference.id for reference, _ in items}
    problems = [(reference, problem(reference, bytes(item))) for reference, item in items]
    failed = [(reference, why) for reference, why in problems if why is not None]
    odd = {reference.id for reference, _ in failed}
    return Fetched(
        received=[reference.received(None, at, bytes(item)) for reference, item in items if reference.id not in odd],
        failed=failed,
        gone=[item.reference for item in shard.wanted if item.reference.id not in ids],
        requests=client.requests,
    )


async def _items(client: Client, start: str, resource: str) -> list[tuple[Reference, msgspec.Raw]]:
    """Return every item of a listing, byte for byte, with its reference, by ascending id."""
    source, settings, pages = (
        client.source,
        _settings(client.source),
        Pages(client, f"listing of {resource}", EMPTY_PAGES),
    )
    size = {settings.page_size_parameter: str(source.page_size)} if settings.page_size_parameter else {}

    def parse(address: str, body: bytes) -> Page[msgspec.Raw]:
        page = msgspec.Raw(body)
        items = _results(page, settings.results_path, pages.where)
        count = None
        if settings.count_path:
            count = decoded(_require(page, settings.count_path, pages.where), pages.where, int)
        following = _following(page, settings, pages.where)
        if following and settings.paging == "cursor":
            following = _with_query(start, {**size, settings.cursor_parameter: following})
        elif following:
            following = pages.join(address, following)
        return Page([(_reference(source, resource, item, pages.where), item) for item in items], count, following)

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
        raise SourceError(f"{source.base_url}: expected the settings `rest` with kind 'rest', found none")
    return source.rest


def _reference(source: Source, resource: str, item: msgspec.Raw, where: str) -> Reference:
    """Return the reference to an item of a listing; its id is the item's if that is an integer, else a hash of it."""
    id_path = _settings(source).id_path
    given = decoded(_require(item, id_path, where), where, object)
    if isinstance(given, bool) or not isinstance(given, int | str) or given in ("", ".", ".."):
        raise SourceError(f"{where}: expected an id, an integer or a string, at {id_path!r}, found {given!r:.200}")
    if isinstance(given, str) and len(given) > MAX_ID_LENGTH:
        raise SourceError(
            f"{where}: expected an id of at most {MAX_ID_LENGTH:,} characters at {id_path!r}, found one of"
            f" {len(given):,}, which begins {given[:60]!r}"
        )
    if isinstance(given, int) and not -(1 << 63) <= given < 1 << 63:
        raise SourceError(f"{where}: expected an id of 64 bits at most at {id_path!r}, found {given!r:.200}")
    path = f"{resource}/{quote(str(given), safe='')}"
    return Reference(resource, hashed_id(given) if isinstance(given, str) else given, url(source, resource, path), path)


def _results(page: msgspec.Raw, path: str, where: str) -> list[msgspec.Raw]:
    """Return the items of a page; null stands for none, as some sources write it on their last page."""
    found = _find(page, path, where)
    if found is not None and _is_null(found):
        return []
    return decoded(_require(page, path, where), where, list[msgspec.Raw])


def _following(page: msgspec.Raw, settings: Rest, where: str) -> str | None:
    """Return the link or the cursor of the next page, None if there is none."""
    found = _find(page, settings.next_path, where) if settings.next_path else None
    following = "" if found is None or _is_null(found) else decoded(found, where, object)
    if isinstance(following, bool) or not isinstance(following, int | str):
        raise SourceError(
            f"{where}: expected a link or a cursor to the next page at {settings.next_path!r}, found {following!r:.200}"
        )
    return str(following) or None


def _require(json: msgspec.Raw, path: str, where: str) -> msgspec.Raw:
    found = _find(json, path, where)
    if found is None or _is_null(found):
        raise SourceError(f"{where}: expected something at {path!r}, found nothing; check the settings `rest`")
    return found


def _find(json: msgspec.Raw, path: str, where: str) -> msgspec.Raw | None:
    """Return the value at a dotted path, byte for byte; null if null stands on the way, None if there is nothing."""
    found = json
    for name in path.split(".") if path else ():
        if _is_null(found):
            break
        members = decoded(found, where, dict[str, msgspec.Raw])
        if name not in members:
            return None
        found = members[name]
    return found


def _is_null(json: msgspec.Raw) -> bool:
    return bytes(json).strip() == b"null"


def _with_query(address: str, parameters: dict[str, str]) -> str:
    if not parameters:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"
