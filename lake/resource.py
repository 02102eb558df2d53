"""Resources, such as PokeAPI's collections: their names, how documents are addressed, what is said of one."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from lake.address import joined, path_below, same_origin
from lake.errors import SourceError

# Resource names come from the API and become part of keys, so only these characters may pass.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
# A time as the bucket may hold it. One without a zone cannot be compared with those that have one.
Moment = Annotated[datetime, Meta(tz=True)]

_DOCUMENT_PATH = re.compile(r"(?P<resource>[a-z][a-z0-9-]{0,62})/(?P<id>-?[0-9]{1,9})")


def is_resource_name(text: str) -> bool:
    """Tell whether a text can name a resource."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Reference:
    """One document as a listing names it: its resource, its id there, its URL, and its path.

    The path is the name that people read, without slashes around it: pokemon/25, pokemon/25/encounters, meta.
    """

    resource: str
    id: int
    url: str
    path: str

    def received(self, etag: str | None, at: datetime, body: bytes) -> "Document":
        """Return the document that it names, as it was received at a time."""
        return Document(self.resource, self.id, self.path, etag, at, body)


@dataclass(frozen=True, slots=True)
class Document:
    """One document as received; `body` has been checked to be JSON in UTF-8."""

    resource: str
    id: int
    path: str
    etag: str | None
    fetched_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class AtHand:
    """What the lake knows of a document that it holds: its ETag, None where it had none, and its path."""

    etag: str | None
    path: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be fetched, and the reason."""

    resource: str
    id: int
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """A document whose `name` is another one: renamed, or, with `is_reused`, its id given to another thing."""

    resource: str
    id: int
    before_name: str
    after_name: str
    is_reused: bool


def document_reference(base_url: str, resource: str, url: str) -> Reference:
    """Return the document that `url`, found in a listing of `resource`, points at.

    >>> document_reference("https://pokeapi.co/api/v2/", "pokemon", "https://pokeapi.co/api/v2/pokemon/25/").id
    25

    Raises:
        SourceError: The URL leaves the source, or does not end in ``<resource>/<id>/``.
    """
    # Nearly all are spelled like this, and the short way takes a tenth of the time.
    below = url.removeprefix(base_url).removesuffix("/") if url.startswith(base_url) else ""
    if (match := _DOCUMENT_PATH.fullmatch(below)) and match["resource"] == resource:
        return Reference(resource, id_ := int(match["id"]), url, f"{resource}/{id_}")
    absolute = joined(base_url, url)
    if absolute is None or not same_origin(base_url, absolute):
        raise SourceError(f"listing of {resource}: expected URLs below {base_url}, found {url[:200]!r}")
    match = _DOCUMENT_PATH.fullmatch(path_below(base_url, absolute) or "")
    if match is None or match["resource"] != resource:
        raise SourceError(f"listing of {resource}: expected a URL ending in {resource}/<id>/, found {url[:200]!r}")
    id_ = int(match["id"])
    return Reference(resource, id_, absolute, f"{resource}/{id_}")
