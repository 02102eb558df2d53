"""The header ``Link`` of an answer, by RFC 8288, because packages that read it miss a relation among several."""

import re

# A name, and a value in quotes or without. A name alone is a parameter as well.
_PARAMETER = re.compile(r'\s*;\s*([^\s=;,"]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?')
_TARGET = re.compile(r"[\s,]*<([^>]*)>")
_END = re.compile(r"\s*(?:,|$)")


def next_link(header: str | None) -> str | None:
    """Return where the link with the relation ``next`` leads, as it stands there; None if there is none.

    The values of a header that came several times are joined by commas. A link of another page, which has an
    ``anchor``, does not count.

    >>> next_link('<?page=1>; rel="prev", <?page=3>; title="a, b; c"; rel="last next"')
    '?page=3'

    Raises:
        ValueError: The header is none of links.
    """
    text, place = header or "", 0
    while text[place:].strip(" \t,"):
        target = _TARGET.match(text, place)
        if target is None:
            raise ValueError(f'expected links such as <?page=2>; rel="next", found {text[place:]!r:.200}')
        place = target.end()
        parameters = dict[str, str]()
        while found := _PARAMETER.match(text, place):
            name, quoted, plain = found.groups()
            # Of a parameter that comes twice, the first one counts.
            parameters.setdefault(name.lower(), plain or re.sub(r"\\(.)", r"\1", quoted or ""))
            place = found.end()
        if not (end := _END.match(text, place)):
            raise ValueError(f"expected a comma between two links, found {text[place:]!r:.200}")
        place = end.end()
        if "next" in parameters.get("rel", "").lower().split() and "anchor" not in parameters:
            return target[1].strip()
    return None
