"""Foreign text in Markdown, which shows just this text and makes nothing of it."""

import re

from lake.text import shown

# Characters of a cell; of a longer text its beginning is shown, and its length.
CELL_CHARACTERS = 1_000

_MARKS = re.compile(r"([\\`*_\[\]|~#!$@])")
_LINK = re.compile(r"\b(https?|ftp|mailto|xmpp|www)([:.])", re.IGNORECASE)


def cell(value: str | int) -> str:
    """Return a value as Markdown that shows just this value, because text of an API may look like Markdown.

    >>> cell("<b>|a|\\nb")
    '&lt;b&gt;\\\\|a\\\\| b'
    """
    if isinstance(value, int):
        return f"{value:,}"
    text = shown(" ".join(value.split()), CELL_CHARACTERS)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A bare address would become a link.
    return _LINK.sub(r"\1\\\2", _MARKS.sub(r"\\\1", text))
