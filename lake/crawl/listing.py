"""Listings: what documents a source says there are, believed only when they add up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urljoin

import msgspec

from lake.crawl.client import Client, FetchError
from lake.errors import SourceError, UnknownNameError
from lake.resource import Reference, document_reference, resource_name, same_origin

_T = TypeVar("_T")


class _Page(msgspec.Struct):
    count: int
    results: list[dict[str, Any]]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """What the source is at the moment: the version it gives of itself (None: none), and the resources it lists."""

    version: str | None
    resources: dict[str, str]


async def read_upstream(client: Client) -> Upstream:
    """Return the source's version and resources, from its root and, where there is one, its ``meta``."""
    base = client.source.base_url
    try:
        answer = await client.get(base, check=_problem)
    except FetchError as error:
        raise SourceError(f"{base}: could not be reached: {error}; check the address, or the network") from error
    listed = {name: url for name, url in _decoded(answer.body, base, dict[str, Any]).items() if isinstance(url, str)}
    version = answer.version
    if "meta" in listed:
        try:
            meta = await client.get(urljoin(base, "meta/"), check=_problem)
            found = msgspec.json.decode(meta.body or b"")
            if isinstance(found, dict) and isinstance(found.get("hash"), str):
                version = found["hash"]
        except FetchError:
            # The version only saves requests; a crawl does not need it.
            version = None
    with _urls_of(base):
        return Upstream(version, {resource_name(name): urljoin(base, url) for name, url in listed.items()})


async def read_listing(client: Client, upstream: Upstream, resource: str) -> list[Reference]:
    """Return every document of a resource that the source lists, in the order of their ids.

    Raises:
        UnknownNameError: The source has no such resource.
        SourceError: The listing cannot be fetched, or does not add up.
    """
    if resource not in upstream.resources:
        raise UnknownNameError("resource", resource, sorted(upstream.resources.keys() - {"meta"}))
    base, where = client.source.base_url, f"listing of {resource}"
    start = upstream.resources[resource]
    url: str | None = f"{start}?limit={client.source.page_size}&offset=0"
    counts: set[int] = set()
    references: dict[int, Reference] = {}
    seen: set[str] = set()
    while url is not None:
        if not same_origin(base, url) or url in seen:
            raise SourceError(f"{where}: expected the next page below {base}, found {url[:200]!r}")
        seen.add(url)
        try:
            answer = await client.get(url, check=_problem)
        except FetchError as error:
            raise SourceError(f"{where}: {url} could not be fetched: {error}") from error
        page = _decoded(answer.body, where, _Page)
        counts.add(page.count)
        if page.next and not page.results:
            raise SourceError(f"{where}: expected documents on every page but the last, found none on {url[:200]!r}")
        with _urls_of(where):
            for result in page.results:
                reference = document_reference(base, resource, str(result.get("url")))
                if reference.id in references:
                    raise SourceError(f"{where}: expected every id once, found {reference.path} twice")
                references[reference.id] = reference
            url = urljoin(url, page.next) if page.next else None
    if counts != {len(references)}:
        raise SourceError(
            f"{where}: expected as many documents as its count says, {sorted(counts)}, found {len(references)};"
            " nothing was deleted; run again when the source has settled"
        )
    return [references[key] for key in sorted(references)]


@contextmanager
def _urls_of(where: str) -> Iterator[None]:
    """Name the place of what urllib refuses to join, such as half an IPv6 address."""
    try:
        yield
    except ValueError as error:
        raise SourceError(f"{where}: expected URLs: {error}") from error


def _problem(body: bytes) -> str | None:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return f"invalid JSON: {error}"
    return None


def _decoded(body: bytes | None, where: str, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body or b"", type=type_)
    except msgspec.DecodeError as error:
        raise SourceError(f"{where}: {error}") from error
