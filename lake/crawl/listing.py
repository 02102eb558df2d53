"""What a source says there is: its resources, and the documents of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lake.crawl.source import Source
from lake.errors import UnknownNameError
from lake.resource import Reference


@dataclass(frozen=True, slots=True)
class Upstream:
    """What the source is at the moment: the version it gives of itself (None: none), and its resources.

    `resources` gives the URL of each one's listing.
    """

    version: str | None
    resources: dict[str, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """Every document of a resource that the source lists, by ascending id.

    `names` gives, by id, what the listing calls a document, where it does. The documents of an inline listing come
    with it and have no URL of their own. A `refusal` says why the source, which lists the resource, refused this:
    then nothing is known of its documents, and nothing is to be done about them.
    """

    resource: str
    references: tuple[Reference, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    is_inline: bool = False
    refusal: str | None = None


def chosen(source: Source, upstream: Upstream) -> tuple[str, ...]:
    """Return the resources to crawl, each once: those that the settings name, else all, in alphabetical order.

    Raises:
        UnknownNameError: The settings name one that the source does not have.
    """
    for name in source.resources:
        require(upstream, name)
    return tuple(dict.fromkeys(source.resources)) or tuple(sorted(upstream.resources))


def require(upstream: Upstream, resource: str) -> str:
    """Return the URL of a resource's listing, and raise `UnknownNameError` if the source has no such resource."""
    if resource not in upstream.resources:
        raise UnknownNameError("resource", resource, sorted(upstream.resources))
    return upstream.resources[resource]
