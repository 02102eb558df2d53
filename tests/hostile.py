"""Names as nobody would choose them who means well, and the question whether something of them is obeyed."""

import unicodedata

# Each is obeyed by something: Rich, a terminal, a log, HTML, Markdown, a spreadsheet, SQL.
ODD = (
    "[/]",
    "[bold]",
    "[link=https://evil.test]x[/link]",
    ":fire:",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "\x00",
    "\x0c",
    "\r\n2026-08-08 | forged",
    "\u202egnp.exe",
    "\u2066x\u2069\u200f",
    "\u2028\u2029",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "![x](https://evil.test/x.png) [y](javascript:alert(1)) https://evil.test www.evil.test",
    "`|` | *a* _b_ ~~c~~",
    '"; DROP TABLE x; --',
    "%s{0}{name}",
)


def unseen(text: str) -> set[str]:
    """Return the characters of a text, except line breaks, that are obeyed or not seen."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char != "\n"}
