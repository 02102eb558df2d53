"""What a source lists: its resources, and the documents of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lake.errors import UnknownNameError
from lake.resource import Moment, Reference
from lake.source import Source


@dataclass(frozen=True, slots=True)
class Upstream:
    """The source at one moment: its version, None if it gives none, and each resource with the URL of its listing.

    `odd` says of each further entry, by the name that the source gives it, why it cannot be crawled.
    """

    version: str | None
    resources: dict[str, str]
    odd: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """Every document of a resource that the source lists, by ascending id.

    `names` holds the documents' names by id, if the listing gives them. `odd` says of each entry without an id that
    can be used, by the id that stands for it, what is wrong; the path of its reference is its place, such as
    trainer[7]. An inline listing, which only the crawler ``rest`` makes, contains the documents themselves, and they
    have no URL of their own. If the source refused the listing, `refusal` says why; nothing is then known about its
    documents, and they stay as they are. `at` is when it was begun to be read, by the source's clock.
    """

    resource: str
    references: tuple[Reference, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    odd: Mapping[int, str] = field(default_factory=dict)
    is_inline: bool = False
    refusal: str | None = None
    at: Moment | None = None


def chosen(source: Source, upstream: Upstream) -> tuple[str, ...]:
    """Return the resources to crawl, each once: those that the settings name, or all in alphabetical order.

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
