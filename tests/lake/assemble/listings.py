"""A source that is never asked: where its documents would lie, what it would list, and their ETags."""

from collections.abc import Collection, Mapping

from lake.crawl import Listing, Source
from lake.documents import digest
from lake.resource import Reference

# Bodies by their path below the base URL.
Documents = dict[str, bytes]

ENCOUNTERS = "pokemon-encounters"
SOURCE = Source("https://pokeapi.test/api/v2/")


def listings_of(
    documents: Documents, unlisted: Collection[str], refused: Mapping[str, str], base_url: str = SOURCE.base_url
) -> dict[str, Listing]:
    """Return the listing of every resource that some documents are of, as PokeAPI's crawler makes them."""
    found: dict[str, list[Reference]] = {name: [] for name in refused}
    for path in documents:
        resource, _, rest = path.partition("/")
        of = ENCOUNTERS if rest.endswith("/encounters") else resource
        id_ = int(rest.split("/")[0]) if rest else 0
        found.setdefault(of, [])
        if path not in unlisted:
            found[of].append(Reference(of, id_, f"{base_url}{path}/", path))
    for name in {"pokemon", ENCOUNTERS} & found.keys():
        found.setdefault(ENCOUNTERS if name == "pokemon" else "pokemon", [])
    return {
        name: Listing(name, refusal=refused[name])
        if name in refused
        else Listing(name, tuple(sorted(references, key=lambda reference: reference.id)))
        for name, references in found.items()
    }


def etag(body: bytes) -> str:
    """Return the ETag that a document is sent with."""
    return f'"{digest(body)[:32]}"'
