"""Reads the pages of a listing one after the other; a link that leaves the source is not followed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urljoin

import msgspec

from lake.address import same_origin, spelled
from lake.body import body_problem
from lake.crawl.client import Check, Client
from lake.crawl.reply import FetchError, Reply
from lake.errors import SourceError
from lake.resource import Reference

_T = TypeVar("_T")

# A listing that states no count may have this many pages; with the default pace they take a quarter of an hour.
MAX_PAGES = 10_000

# What to do about the setting that finds a count, after its name.
EMPTY_IF_WRONG = "which must be empty if what it finds is not the number of all items"


class RefusedError(SourceError):
    """The source refused a page for good, with a status such as 403."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """One page of a listing: its entries, the count of all entries that it states, and the URL of the next page.

    Where nothing says that there is a next page, `is_sure` is false, and one that is not found ends the listing.
    """

    entries: Sequence[tuple[Reference, _T]]
    count: int | None
    following: str | None
    is_sure: bool = True


class Pages:
    """The pages of one listing; it remembers their addresses, because a page that comes twice would be a circle.

    A page that `check` refuses is fetched again. At most `empty_pages` in a row may have no entries and lead to another
    page. `led_by` names the settings that lead from page to page, and `counted_by` the one that finds the count. `keep`
    are the headers that this takes.
    """

    def __init__(
        self,
        client: Client,
        where: str,
        check: Check,
        empty_pages: int = 0,
        led_by: str = "",
        keep: Sequence[str] = (),
        counted_by: str = "",
    ) -> None:
        self.where = where
        self._check = check
        self._empty_pages = empty_pages
        self._led_by = led_by
        self._counted_by = counted_by
        self._keep = keep
        self._client = client
        self._read: set[str] = set()

    async def read(self, url: str) -> Reply:
        """Return a page, whole.

        Raises:
            RefusedError: The source refused the page for good.
            SourceError: The page is not of this source, was read before, or could not be fetched.
        """
        base = self._client.source.base_url
        address = spelled(url)
        if address is None or not same_origin(base, url):
            raise SourceError(f"{self.where}: expected the next page below {base}, found {url[:200]!r}")
        if address in self._read:
            raise SourceError(
                f"{self.where}: expected another page, found one that was read before, {url[:200]!r}{self._advice}"
            )
        self._read.add(address)
        try:
            return await self._client.get(url, check=self._check, keep=self._keep)
        except FetchError as error:
            message = f"{self.where}: {url} could not be fetched: {error}"
            if error.status is not None and 400 <= error.status < 500:
                raise RefusedError(message, error.status) from error
            raise SourceError(message) from error

    async def read_all(
        self, address: str, reply: Reply, parse: Callable[[str, Reply], Page[_T]], most_pages: int | None = None
    ) -> list[tuple[Reference, _T]]:
        """Return the entries of a page and of all pages after it, by ascending id.

        Of a listing with more than `most_pages` only these are read, and nobody compares their entries with its count.

        Raises:
            SourceError: A page cannot be read, two entries are one document, the stated count is wrong, or the pages do
                not end.
        """
        counts: set[int | None] = set()
        found: dict[int, tuple[Reference, _T]] = {}
        paths: set[str] = set()
        empty, before = 0, list[int]()
        while True:
            page = parse(address, reply)
            ids = [reference.id for reference, _ in page.entries]
            if ids and ids == before:
                raise SourceError(
                    f"{self.where}: expected other documents on each page, found those of the page before once more on"
                    f" {address[:200]!r}{self._advice}"
                )
            before = ids
            counts.add(page.count)
            for entry in page.entries:
                self._add(entry, found, paths)
            # A listing whose pages never end is found out here as soon as it has one entry too many.
            if page.following is None or (page.count is not None and len(found) > page.count):
                break
            empty = 0 if page.entries else empty + 1
            if empty > self._empty_pages:
                bound = f", or {self._empty_pages} empty ones in a row at most" if self._empty_pages else ""
                raise SourceError(
                    f"{self.where}: expected documents on every page but the last{bound}, found none on"
                    f" {address[:200]!r}"
                )
            if most_pages is not None and len(self._read) >= most_pages:
                counts = {None}
                break
            if len(self._read) >= MAX_PAGES:
                raise SourceError(f"{self.where}: expected at most {MAX_PAGES:,} pages, found another one")
            address = page.following
            try:
                reply = await self.read(address)
            except RefusedError as error:
                if page.is_sure or error.status != 404:
                    raise
                break
        if counts not in ({None}, {len(found)}):
            said = " and ".join(f"{count:,}" for count in sorted(count for count in counts if count is not None))
            raise SourceError(
                f"{self.where}: expected as many documents as its count says, {said}, found {len(found):,};"
                " nothing was deleted; run again when the source has settled"
                f"{f', or look at {self._led_by}, and {self._counted_by}, {EMPTY_IF_WRONG}' if self._led_by else ''}"
            )
        return [found[id_] for id_ in sorted(found)]

    def _add(self, entry: tuple[Reference, _T], found: dict[int, tuple[Reference, _T]], paths: set[str]) -> None:
        """Add an entry, and raise `SourceError` that names both if it is the same document as another one."""
        reference = entry[0]
        if reference.id in found and found[reference.id][0].path != reference.path:
            other = found[reference.id][0].path
            raise SourceError(f"{self.where}: expected every id once, found {other} and {reference.path} with one id")
        if reference.id in found:
            raise SourceError(f"{self.where}: expected every id once, found {reference.path} twice")
        if reference.path in paths:
            raise SourceError(
                f"{self.where}: expected every id once, found {reference.path} twice, as a number and as a text"
            )
        found[reference.id] = entry
        paths.add(reference.path)

    @property
    def _advice(self) -> str:
        return f"; check {self._led_by}" if self._led_by else ""

    def join(self, address: str, link: str) -> str:
        """Return the address that a link on a page leads to."""
        with urls_of(self.where):
            return urljoin(address, link)


@contextmanager
def urls_of(where: str) -> Iterator[None]:
    """Raise `SourceError`, with the place, if urllib cannot read a text as a URL, such as half an IPv6 address."""
    try:
        yield
    except ValueError as error:
        raise SourceError(f"{where}: expected URLs: {error}") from error


def read_json(body: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """Decode a document as a type, and raise `ValueError` that says what is wrong if it is none, or of another type."""
    if problem := body_problem(body):
        raise ValueError(problem)
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(f"unexpected JSON: {error}") from error


def type_problem(body: bytes, decoder: msgspec.json.Decoder[Any]) -> str | None:
    """Say what is wrong with a body, None if it is a document that the decoder can read."""
    try:
        read_json(body, decoder)
    except ValueError as error:
        return str(error)
    return None


def decoded(body: bytes | msgspec.Raw, where: str, type_: type[_T]) -> _T:
    """Return a page, or a part of one, as a type, and raise `SourceError` if it is of another type."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise SourceError(f"{where}: {error}") from error
