"""Single documents in the place of whole resources: `pokemon/25`, with the documents that belong to it."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from lake.crawl.listing import Listing
from lake.crawl.pokeapi import ENCOUNTERS
from lake.errors import SourceError, UnknownNameError
from lake.resource import AtHand

_PATH = re.compile(r"([a-z][a-z0-9-]{0,62})/(-?[0-9]{1,18})")

# The documents that a document names and that come with it: their resources, and the member that refers to them.
_FOLLOWED: Mapping[str, Mapping[str, str]] = {
    "pokemon": {"pokemon-form": "forms", "pokemon-species": "species"},
    "pokemon-species": {"evolution-chain": "evolution_chain"},
}

# Each resource after those whose documents may name its own.
_ORDER = ("pokemon", ENCOUNTERS, "pokemon-form", "pokemon-species", "evolution-chain")

# The ids that are wanted of each resource.
Picked = dict[str, set[int]]


def picked_documents(names: Iterable[str]) -> Picked:
    """Return the documents that paths in a source's ``resources`` name; none if these are names of resources.

    >>> picked_documents(["pokemon/25", "pokemon/26"])
    {'pokemon': {25, 26}}
    >>> picked_documents(["pokemon"])
    {}

    Raises:
        SourceError: Some are paths and some are not, or one is no path of a document.
    """
    given = list(names)
    paths = [name for name in given if "/" in name]
    if not paths:
        return {}
    if len(paths) < len(given):
        raise SourceError(
            f"resources: expected either resources or documents, found both, {given}; let one run crawl the resources,"
            " and another one the documents",
            may_pass=False,
        )
    picked: Picked = {}
    for path in paths:
        match = _PATH.fullmatch(path.strip("/"))
        if match is None:
            raise SourceError(
                f"resources: expected documents as RESOURCE/ID, such as pokemon/25, found {path!r}", False
            )
        picked.setdefault(match[1], set()).add(int(match[2]))
    return picked


def with_encounters(picked: Picked) -> Picked:
    """Return picked documents and the encounters of the Pokémon among them, which have the same ids."""
    wanted = {resource: set(ids) for resource, ids in picked.items()}
    if "pokemon" in picked:
        wanted.setdefault(ENCOUNTERS, set()).update(picked["pokemon"])
    return wanted


def in_order(picked: Picked, listed: Collection[str]) -> list[str]:
    """Return the resources of picked documents and of those that come with them, in the order to crawl them."""
    reached = with_encounters(picked).keys() & set(listed)
    for name in _ORDER:
        if name in reached:
            reached |= _FOLLOWED.get(name, {}).keys() & set(listed)
    return [*sorted(reached - set(_ORDER)), *(name for name in _ORDER if name in reached)]


def narrowed(
    listing: Listing, at_hand: Mapping[int, AtHand], ids: Collection[int], named: Collection[int]
) -> tuple[Listing, dict[int, AtHand]]:
    """Return what a listing and the lake have of some ids; without ETags, because each is asked for anew.

    Raises:
        UnknownNameError: Neither has one of the ids that somebody named, and the listing can be believed.
    """
    kept = {id_: AtHand(None, known.path) for id_, known in at_hand.items() if id_ in ids}
    references = tuple(reference for reference in listing.references if reference.id in ids)
    lacking = set(named) - kept.keys() - {reference.id for reference in references}
    if lacking and listing.refusal is None:
        some = [reference.path for reference in listing.references[:10]]
        raise UnknownNameError("document", f"{listing.resource}/{min(lacking)}", [*some, "…"])
    return replace(listing, references=references), kept


def followed(resource: str, bodies: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    """Yield resource and id of each document that comes with these documents of a resource."""
    wanted = _FOLLOWED.get(resource, {})
    for body in bodies if wanted else ():
        document = msgspec.json.decode(body)
        for target, member in wanted.items():
            yield from ((target, id_) for id_ in _ids(target, document.get(member)))


def _ids(resource: str, found: Any) -> Iterator[int]:
    """Yield the ids in a member of a document: a reference, or a list of references."""
    for one in found if isinstance(found, list) else [found]:
        url = one.get("url") if isinstance(one, dict) else None
        # The id alone is taken: the document itself is asked for where its listing says.
        if isinstance(url, str) and (match := re.search(f"/{resource}/(-?[0-9]{{1,18}})/?$", url)):
            yield int(match[1])
