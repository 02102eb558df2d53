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
    "pika\u3164\u115f\u1160\uffa0\u2800\u034f\u180echu",
    "pikachu\ufe0f\U000e0070\U000e0001\u17b4",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "![x](https://evil.test/x.png) [y](javascript:alert(1)) https://evil.test www.evil.test",
    "`|` | *a* _b_ ~~c~~",
    '"; DROP TABLE x; --',
    "%s{0}{name}",
)


# Letters, marks and signs that Unicode's categories do not tell from others, though they leave an empty place or none.
INVISIBLE = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for code in range(0xE0000, 0xE1000)
}


def unseen(text: str) -> set[str]:
    """Return the characters of a text, except line breaks, that are obeyed or not seen."""
    chars = set(text) - {"\n"}
    hidden = {char for char in chars if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    return hidden | (chars & INVISIBLE)
