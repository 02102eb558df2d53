"""How a page of a listing leads to the one that follows, by the settings of the crawler `rest`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urljoin

import msgspec

from lake.address import with_query
from lake.crawl.items import UNREADABLE, Opened, find
from lake.crawl.links import next_link
from lake.crawl.outline import outlined, wrong_path
from lake.crawl.pages import urls_of
from lake.crawl.reply import Reply
from lake.errors import SourceError
from lake.source import Rest, Source
from lake.text import shown

LINK = "Link"

# The ways of paging in which a page has a number, and whoever asks must know where the listing ends.
_NUMBERED = ("offset", "page")

_NUMBER = re.compile("[0-9]{1,18}")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Lead:
    """What a page says of its listing: the count of all items, if it states one, and the next page's URL, if any.

    `is_sure` is false where nothing says that there is a next page.
    """

    count: int | None
    following: str | None
    is_sure: bool = True


class Paging:
    """Leads through one listing, which begins at `address`; it remembers how many items and pages it has seen."""

    def __init__(self, source: Source, settings: Rest, start: str, where: str) -> None:
        self._settings, self._start, self._where = settings, start, where
        self._page_size = source.page_size if settings.page_size_parameter else None
        self._size = {settings.page_size_parameter: str(source.page_size)} if settings.page_size_parameter else {}
        self._items, self._page, self._was_full = 0, settings.first_page, False

    @property
    def address(self) -> str:
        """The URL of the first page."""
        return self._numbered() if self._settings.paging in _NUMBERED else self._with({})

    @property
    def led_by(self) -> str:
        """The settings that lead from page to page, for a person who must look at them."""
        settings = self._settings
        return {
            "next": f"rest.paging and rest.next_path {settings.next_path!r}",
            "cursor": f"rest.next_path {settings.next_path!r} and rest.cursor_parameter {settings.cursor_parameter!r}",
            "offset": f"rest.paging and rest.offset_parameter {settings.offset_parameter!r}",
            "page": f"rest.page_parameter {settings.page_parameter!r} and rest.first_page {settings.first_page}",
            "header": "rest.paging and the header Link",
        }[settings.paging]

    @property
    def counted_by(self) -> str:
        """The setting that says where the number of all items stands."""
        path, header = self._settings.count_path, self._settings.count_header
        return f"rest.count_path {path!r}" if path else f"rest.count_header {header!r}"

    @property
    def keep(self) -> tuple[str, ...]:
        """The headers of a page that it needs."""
        link = (LINK,) if self._settings.paging == "header" else ()
        return (*link, self._settings.count_header) if self._settings.count_header else link

    def after(self, address: str, page: Opened, items: int, reply: Reply) -> Lead:
        """Return what a page says of its listing, in which so many items came.

        Raises:
            SourceError: It has something else than the settings say.
        """
        count, more = self._count(page, reply), self._more(page, reply)
        self._items, self._page = self._items + items, self._page + 1
        if self._settings.paging in _NUMBERED:
            if self._is_last(items, count, more):
                return Lead(count, None)
            if self._settings.paging == "offset" and not items:
                raise self._none_follows("items on this page", reply)
            return Lead(count, self._numbered(), is_sure=count is not None or more is not None)
        if more is False:
            return Lead(count, None)
        following = self._following(page, reply)
        if not following:
            if more:
                raise self._none_follows("a next page", reply)
            return Lead(count, None)
        if self._settings.paging == "cursor":
            return Lead(count, self._with({self._settings.cursor_parameter: following}))
        with urls_of(self._where):
            return Lead(count, urljoin(address, following))

    def _none_follows(self, wanted: str, reply: Reply) -> SourceError:
        path = self._settings.more_path
        return SourceError(
            f"{self._where}: expected {wanted}, because rest.more_path {path!r} says that more follow, found none on"
            f" {outlined(reply.content)}; check {self.led_by}"
        )

    def _numbered(self) -> str:
        """Return the URL of the page that follows the items, or the pages, that were seen."""
        if self._settings.paging == "offset":
            return self._with({self._settings.offset_parameter: str(self._items)})
        return self._with({self._settings.page_parameter: str(self._page)})

    def _with(self, parameters: dict[str, str]) -> str:
        return with_query(self._start, {**self._size, **parameters})

    def _is_last(self, items: int, count: int | None, more: bool | None) -> bool:
        """Tell whether a page is the last one of a listing whose pages have numbers."""
        if more is not None:
            return not more
        if not items:
            return True
        if count is not None:
            return self._items >= count
        # Many sources send fewer items than were asked for, and say nothing. So a page is short only beside a full one.
        is_full = self._page_size is None or items >= self._page_size
        self._was_full |= is_full
        return self._was_full and not is_full

    def _count(self, page: Opened, reply: Reply) -> int | None:
        """Return the count of all items that a page states; None if the settings name no place of one."""
        name, path = self._settings.count_header, self._settings.count_path
        if path:
            return self._at("count_path", path, "the number of all items", _whole, page, reply)
        if not name:
            return None
        text = reply.headers.get(name, "").strip()
        if _NUMBER.fullmatch(text):
            return int(text)
        found = shown(repr(text)) if text else "no such header"
        raise SourceError(
            f"{self._where}: expected the number of all items in the header {name}, found {found}; check"
            " rest.count_header"
        )

    def _more(self, page: Opened, reply: Reply) -> bool | None:
        """Return whether more pages follow, as the page says; None if the settings name no place of that."""
        path = self._settings.more_path
        return self._at("more_path", path, "true or false", _flag, page, reply) if path else None

    def _following(self, page: Opened, reply: Reply) -> str | None:
        """Return the link or the cursor of the next page, None if there is none."""
        if self._settings.paging == "header":
            try:
                return next_link(reply.headers.get(LINK))
            except ValueError as error:
                raise SourceError(f"{self._where}: header Link: {error}; check rest.paging") from error
        if not self._settings.next_path:
            return None
        read, kind = (_cursor, "cursor") if self._settings.paging == "cursor" else (_link, "link")
        wanted = f"a {kind} to the next page"
        return self._at("next_path", self._settings.next_path, wanted, read, page, reply) or None

    def _at(self, setting: str, path: str, wanted: str, read: Callable[[Any], _T], page: Opened, reply: Reply) -> _T:
        """Return what a page has at the path of a setting; None stands for nothing, as null does."""
        try:
            found = find(page.envelope, path)
            return read(None if found is None else msgspec.json.decode(found))
        except UNREADABLE as error:
            raise wrong_path(self._where, wanted, setting, path, reply.content, page.envelope) from error


def ways_on(settings: Rest) -> str:
    """Return how another page is found, in a few words; nothing where there is one page.

    >>> ways_on(Rest(paging="cursor", next_path="links.after", cursor_parameter="after"))
    "the cursor at 'links.after', sent as after"
    """
    return {
        "next": f"the link at {settings.next_path!r}" if settings.next_path else "",
        "cursor": f"the cursor at {settings.next_path!r}, sent as {settings.cursor_parameter}",
        "offset": f"the number of items before, sent as {settings.offset_parameter}",
        "page": f"its number, sent as {settings.page_parameter}, from {settings.first_page}",
        "header": "the header Link",
    }[settings.paging]


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _link(value: Any) -> str:
    if not isinstance(value, str | None):
        raise ValueError
    return value or ""


def _cursor(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str | None):
        raise ValueError
    return "" if value is None else str(value)
