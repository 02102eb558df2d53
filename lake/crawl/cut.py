"""Cutting a resource's documents into shards."""

from collections.abc import Mapping
from dataclasses import replace

from lake.crawl.crawler import crawler
from lake.crawl.listing import Listing
from lake.crawl.shard import AtHand, Shard, Wanted
from lake.crawl.source import Source
from lake.errors import SourceError
from lake.resource import Reference

# A killed run loses at most the shards at work. One task run each, all of PokeAPI makes 160 of them, and a
# shard of the longest documents stays below 30 MB.
SHARD_DOCUMENTS = 128


def cut(source: Source, listing: Listing, at_hand: Mapping[int, AtHand], is_new_only: bool = False) -> list[Shard]:
    """Cut a resource's documents, those listed and those at hand, into shards; with `is_new_only` those not at hand.

    One at hand that is no longer listed is asked for too, for only a 404 says that it is gone. An inline listing is
    one shard, or none where nothing in it is asked for; one that was refused is none, for it says nothing.

    Raises:
        SourceError: The source gives one object where it gave a listing before.
    """
    if listing.refusal is not None:
        return []
    resource, url = listing.resource, crawler(source.kind).url
    _check_shape(listing, at_hand)
    listed = {reference.id for reference in listing.references}
    if is_new_only and (listed <= at_hand.keys() or not listing.is_inline):
        new = tuple(reference for reference in listing.references if reference.id not in at_hand)
        listing, at_hand, listed = replace(listing, references=new), {}, set()
    wanted = [
        Wanted(reference, at_hand[reference.id].etag if reference.id in at_hand else None)
        for reference in listing.references
    ]
    for id_ in at_hand.keys() - listed:
        path = at_hand[id_].path
        wanted.append(Wanted(Reference(resource, id_, url(source, resource, path), path), None, is_listed=False))
    wanted.sort(key=lambda item: item.reference.id)
    if listing.is_inline:
        return [Shard(resource, 0, tuple(wanted), is_inline=True)] if wanted else []
    return [
        Shard(resource, number, tuple(wanted[start : start + SHARD_DOCUMENTS]))
        for number, start in enumerate(range(0, len(wanted), SHARD_DOCUMENTS))
    ]


def _check_shape(listing: Listing, at_hand: Mapping[int, AtHand]) -> None:
    """Raise `SourceError` when an error page that passes for an object would become a document beside the others."""
    resource = listing.resource
    is_object = [reference.path for reference in listing.references] == [resource]
    others = [item.path for item in at_hand.values() if item.path != resource]
    if is_object and others:
        raise SourceError(
            f"listing of {resource}: expected a listing, as before, found one object at {listing.references[0].url};"
            f" nothing was done about the {len(others)} documents at hand. Run again when the source has recovered,"
            " or look at what it answers there"
        )
