"""Text of a source, a bucket or a server, made printable: everything in it is seen, and nothing of it is obeyed."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

_T = TypeVar("_T")

# The most characters of a piece of foreign text that a message quotes, and the most of a whole message.
QUOTED = 200
MESSAGE = 10_000

# Characters that a terminal, a log or a browser obeys or does not show: control characters, marks that turn the
# direction of writing, separators of lines, half surrogate pairs, what Unicode calls ignorable by default (such as
# letters that fill a place unseen, and tags), and a pattern of Braille without a dot.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# One of these chooses how the sign before it looks, as in ❤️ or 1️⃣. After anything else it is not seen, nor is a second.
_CHOICES = "\ufe00-\ufe0f"
_UNSEEN_CHOICE = f"(?:(?<![0-9#*\xa9\xae\u203c-\U0010ffff])|(?<=[{_CHOICES}\u205f\u3000{_UNSEEN}]))[{_CHOICES}]"

_IN_A_LINE = re.compile(f"[{_UNSEEN}]|{_UNSEEN_CHOICE}")
_IN_LINES = re.compile(f"(?!\n)[{_UNSEEN}]|{_UNSEEN_CHOICE}")
_NOT_ASCII = re.compile(f"(?!\n)[{_UNSEEN}]|[^\x00-\x7f]")

# What is left where an escape was cut.
_HALF_ESCAPE = re.compile(r"\\(?:x.?|u.{0,3}|U.{0,7})?$")


def shown(text: str, limit: int = QUOTED) -> str:
    r"""Return foreign text as one line; of a longer one, its beginning and its length.

    >>> shown("Mr.\u202e \x1b[1mMime\n")
    'Mr.\\u202e \\x1b[1mMime\\n'
    >>> shown("a" * 1_000_000, 40)
    'aaaaaaaaaaaaaaaa… (1,000,000 characters)'
    """
    return _bounded(text, limit, _IN_A_LINE)


def printable(text: str, limit: int = MESSAGE) -> str:
    """Return a message, in which foreign text may be quoted, as `shown` does; its line breaks stay."""
    return _bounded(text, limit, _IN_LINES)


def counted(count: int, noun: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "document"), counted(1_350, "document")
    ('1 document', '1,350 documents')
    """
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def minute(moment: datetime) -> str:
    """Return a moment to the minute.

    >>> minute(datetime(2026, 11, 27, 20, 5, 59, tzinfo=UTC))
    '2026-11-27 20:05 UTC'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def listed(entries: Sequence[_T], most: int) -> Sequence[_T]:
    """Return the entries that a list of so many lines shows; a single one more is shown, because to say so is a line.

    >>> listed("abcd", 3), listed("abcde", 3)
    ('abcd', 'abc')
    """
    return entries if len(entries) <= most + 1 else entries[:most]


def json_text(text: str, is_ascii: bool = False) -> str:
    r"""Return JSON with escapes in the place of what a terminal would obey, or of all that is not ASCII.

    It means the same.

    >>> json_text('["\u202eé"]')
    '["\\u202eé"]'
    """
    return (_NOT_ASCII if is_ascii else _IN_LINES).sub(_json_escape, text)


def _bounded(text: str, limit: int, unseen: re.Pattern[str]) -> str:
    # Of a text of megabytes no more is looked at than is shown.
    seen = unseen.sub(_escape, text[: limit + 1])
    if len(seen) <= limit:
        return seen
    said = f"… ({len(text):,} characters)"
    return _HALF_ESCAPE.sub("", seen[: limit - len(said)]) + said


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
