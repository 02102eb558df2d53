"""Decodes every JSON document that a source may send, also where faster decoders refuse what JSON allows."""

import json
import re
from math import isfinite
from typing import Any

import msgspec

# Python refuses to read numbers of many more digits, because that takes time that grows with their square.
_MOST_DIGITS = 400

# Both halves of a code point, one half alone, or any other escape.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.S
)


class Digits(str):
    """A number that no number of the machine can hold, as it is written."""


def decode(body: bytes | memoryview | str) -> Any:
    """Return the value of a JSON text.

    A number that the machine cannot hold becomes `Digits`. Half of a code point, which JSON can escape and UTF-8 cannot
    hold, becomes the text of its escape.

    >>> decode(rb'{"id": 1, "far": 1e400, "half": "\\ud83d"}')
    {'id': 1, 'far': '1e400', 'half': '\\\\ud83d'}

    Raises:
        ValueError: The text is no JSON, or nested too deep to be read.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        text = body if isinstance(body, str) else str(body, "utf-8")
    try:
        return _lenient.decode(halves_escaped(text.removeprefix("\ufeff")))
    except RecursionError as error:
        raise ValueError("nested too deep to be read") from error


def halves_escaped(text: str) -> str:
    """Return a JSON text in which each half of a code point that stands alone is the text of its escape."""
    if r"\u" not in text:
        return text
    return _ESCAPE.sub(lambda found: rf"\\u{found['half'].lower()}" if found["half"] else found[0], text)


def _whole(digits: str) -> int | Digits:
    return int(digits) if len(digits) <= _MOST_DIGITS else Digits(digits)


def _fraction(digits: str) -> float | Digits:
    return number if isfinite(number := float(digits)) else Digits(digits)


def _refused(name: str) -> None:
    raise ValueError(f"expected JSON, found {name}, which is no number of it")


_lenient = json.JSONDecoder(parse_int=_whole, parse_float=_fraction, parse_constant=_refused)
