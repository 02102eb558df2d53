"""What becomes of a request: the source's reply, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lake.text import shown

# A reason may quote what the source sent, and is kept with each document that failed.
_MAX_REASON = 500


class FetchError(Exception):
    """A URL could not be fetched; the message says why.

    `is_final` means that another try will not help; `status` is the status that made it final, if one did.
    `is_paced` means that the source said how long to wait. `body` is what it said with that status.
    """

    def __init__(
        self,
        reason: str,
        is_final: bool = False,
        is_paced: bool = False,
        status: int | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(shown(reason, _MAX_REASON))
        self.is_final = is_final
        self.is_paced = is_paced
        self.status = status
        self.body = body


class AgainError(FetchError):
    """A failure that another try may mend."""


class NotFoundError(FetchError):
    """The source answered 404."""

    def __init__(self) -> None:
        super().__init__("status 404", is_final=True, status=404)


@dataclass(frozen=True, slots=True)
class Reply:
    """The source's reply to a request: the body, None if it is unchanged, its ETag, and the source's version.

    `headers` are those that the request wanted to keep, by the names that it gave, as far as they came.
    """

    body: bytes | None
    etag: str | None
    version: str | None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body of a reply to a request without an ETag."""
        assert self.body is not None, "only a conditional request is answered without a body"
        return self.body
