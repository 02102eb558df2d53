"""The `Crawler` of PokeAPI: it reads the root and the listings, and checks the shape of documents."""

from typing import Any
from urllib.parse import urljoin

import msgspec

from lake.address import joined, same_origin
from lake.body import body_problem
from lake.crawl.advice import advice, may_pass
from lake.crawl.client import Client
from lake.crawl.items import page_problem
from lake.crawl.listing import Listing, Upstream, require
from lake.crawl.pages import Page, Pages, RefusedError, decoded, read_json, type_problem
from lake.crawl.reply import FetchError, Reply
from lake.errors import SourceError
from lake.resource import Reference, document_reference, is_resource_name
from lake.source import Source
from lake.text import shown

# Every Pokémon has a second document, its encounters, which no listing names.
ENCOUNTERS = "pokemon-encounters"

# A version is a hash; a longer text would be kept in each commit.
MAX_VERSION = 1000

# A root with more entries that cannot be crawled is no root.
MAX_ODD = 100


class _Page(msgspec.Struct):
    count: int
    results: list[dict[str, Any]]
    next: str | None = None


class _Identity(msgspec.Struct):
    id: int


_identity = msgspec.json.Decoder(_Identity)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def probe(client: Client) -> Upstream:
    """Return the resources, from the root, and the version, from ``meta`` if the root has it.

    Raises:
        SourceError: The root cannot be read.
    """
    base = client.source.base_url
    try:
        answer = await client.get(base, check=body_problem)
    except FetchError as error:
        what = advice(str(error), "Check the address, or the network, then run again.")
        raise SourceError(
            f"{base}: could not be reached: {error}. {what}{_other_api(base, error)}", may_pass(str(error))
        ) from error
    found, odd = dict[str, str](), dict[str, str]()
    for name, address in decoded(answer.body or b"", base, dict[str, Any]).items():
        if not is_resource_name(name):
            odd[shown(name)] = "expected a name of lower-case letters, digits and dashes"
        elif name == ENCOUNTERS:
            odd[name] = "Pokélake gives this name to the encounters of all Pokémon"
        elif not isinstance(address, str):
            odd[name] = f"expected the address of its listing, found {shown(repr(address), 80)}"
        else:
            # One that is no address is refused when its listing is read.
            found[name] = joined(base, address) or address
    if len(odd) > MAX_ODD:
        raise SourceError(
            f"{base}: expected the addresses of its collections by their names, found {len(odd):,} entries that are"
            f" none, such as {next(iter(odd))}"
        )
    version = await _version(client, answer.version) if "meta" in found else answer.version
    if "pokemon" in found:
        found[ENCOUNTERS] = found["pokemon"]
    return Upstream(version, found, odd)


def _other_api(base: str, error: FetchError) -> str:
    """Say what to do about another API, if that may be what answered."""
    if (error.status is None and "content type: " not in str(error)) or same_origin(base, Source().base_url):
        return ""
    return (
        " The source is read as PokeAPI; any other API needs a block, which `pokelake try-source --source"
        f" {shown(base)} --collection NAME=PATH` prints."
    )


async def _version(client: Client, of_the_root: str | None) -> str | None:
    """Return the version in ``meta``; None if it cannot be read, because the root may come from an older copy."""
    try:
        meta = await client.get(urljoin(client.source.base_url, "meta/"), check=body_problem)
    except FetchError:
        # The version only saves requests; a crawl does not need it.
        return None
    found = msgspec.json.decode(meta.body or b"")
    version = found.get("hash") if isinstance(found, dict) else None
    return version if isinstance(version, str) and len(version) <= MAX_VERSION else of_the_root


async def discover(client: Client, upstream: Upstream, resource: str) -> Listing:
    """Return every document of a resource that the source lists.

    An entry of the root that is an object instead of a listing, such as ``meta``, is one document with the id 0.

    Raises:
        UnknownNameError: The source has no such resource.
        SourceError: The listing cannot be fetched, or does not add up.
    """
    start = require(upstream, resource)
    if resource == ENCOUNTERS:
        return encounters_of(await discover(client, upstream, "pokemon"))
    pages = Pages(client, f"listing of {resource}", _page_problem)
    address = f"{start}?limit={client.source.page_size}&offset=0"
    try:
        reply = await pages.read(address)
    except RefusedError as error:
        return Listing(resource, refusal=str(error))
    if decoded(reply.content, pages.where, dict[str, msgspec.Raw]).keys().isdisjoint({"results", "count", "next"}):
        return Listing(resource, (Reference(resource, 0, start, resource),))

    def parse(address: str, reply: Reply) -> Page[Any]:
        page = decoded(reply.content, pages.where, _Page)
        entries = [
            (document_reference(client.source.base_url, resource, str(result.get("url"))), result.get("name"))
            for result in page.results
        ]
        return Page(entries, page.count, pages.join(address, page.next) if page.next else None)

    found = await pages.read_all(address, reply, parse)
    names = {reference.id: name for reference, name in found if isinstance(name, str)}
    return Listing(resource, tuple(reference for reference, _ in found), names)


def _page_problem(body: bytes) -> str | None:
    """Say what is wrong with a page, None if it is whole JSON; its entries need not be documents."""
    try:
        body.decode("utf-8", errors="strict")
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return f"invalid JSON: {error}"
    return page_problem(body, "results")


def encounters_of(pokemon: Listing) -> Listing:
    """Return the listing of all encounters: one document for each in the listing of ``pokemon``."""
    references = tuple(
        Reference(ENCOUNTERS, of.id, f"{of.url.rstrip('/')}/encounters", f"{of.path}/encounters")
        for of in pokemon.references
    )
    return Listing(ENCOUNTERS, references, refusal=pokemon.refusal)


def url(source: Source, resource: str, path: str) -> str:
    """Return a document's URL as listings write it: with a slash at its end, but without one for encounters."""
    return f"{source.base_url}{path}" if resource == ENCOUNTERS else f"{source.base_url}{path}/"


def problem(reference: Reference, body: bytes) -> str | None:
    """Say what is wrong with a document's body, None if it is whole JSON in UTF-8 of the right shape.

    The right shape is an array for encounters, an object for a document that is no listing's, such as ``meta``, and an
    object with the wanted id for all others.
    """
    if reference.resource == ENCOUNTERS:
        return type_problem(body, _array)
    if reference.path == reference.resource:
        return type_problem(body, _object)
    try:
        id_ = read_json(body, _identity).id
    except ValueError as error:
        return str(error)
    return None if id_ == reference.id else f"id: expected {reference.id}, found {id_}"
