"""A sheet to draw on: shapes with classes, lines of text, and at the end an SVG element to be put into a page."""

from typing import Any

import drawsvg
from markupsafe import Markup

from lake.text import shown

# The width of a picture in its own units, and the narrowest a page is read at, so text stays as large as it was drawn.
WIDTH = 330

_LONGEST_TEXT = 60

# How wide a character is at most, as a share of the font's size.
_CHARACTER = 0.62


class Canvas:
    """One picture in progress, `WIDTH` wide; what it shows is said by `label`, which may hold no foreign text."""

    def __init__(self, height: float, label: str, kind: str = "", width: float = WIDTH) -> None:
        assert not set('"<>&') & set(label + kind), "an attribute is not escaped"
        self._drawing: Any = drawsvg.Drawing(
            width, round(height, 1), role="img", aria_label=label, class_=f"picture {kind}".strip(), id_prefix=kind
        )

    def rectangle(self, x: float, y: float, width: float, height: float, class_: str, said: str = "") -> None:
        """Draw a rectangle; `said` is shown to who points at it."""
        box = drawsvg.Rectangle(_r(x), _r(y), _r(max(width, 0)), _r(max(height, 0)), class_=class_, rx=2)
        self._add(box, said)

    def circle(self, x: float, y: float, radius: float, class_: str, said: str = "") -> None:
        """Draw a circle."""
        self._add(drawsvg.Circle(_r(x), _r(y), _r(radius), class_=class_), said)

    def line(self, x: float, y: float, to_x: float, to_y: float, class_: str) -> None:
        """Draw a straight line."""
        self._drawing.append(drawsvg.Line(_r(x), _r(y), _r(to_x), _r(to_y), class_=class_))

    def outline(self, points: list[tuple[float, float]], class_: str, is_closed: bool = True) -> None:
        """Draw a line through points."""
        flat = [_r(number) for point in points for number in point]
        self._drawing.append(drawsvg.Lines(*flat, close=is_closed, class_=class_))

    def path(self, commands: str, class_: str) -> None:
        """Draw a path, given in SVG's own commands."""
        self._drawing.append(drawsvg.Path(commands, class_=class_))

    def text(self, text: str, x: float, y: float, class_: str = "", size: int = 12, anchor: str = "start") -> None:
        """Write one line; `y` is where its letters stand."""
        words = shown(text, _LONGEST_TEXT)
        self._drawing.append(drawsvg.Text(words, size, _r(x), _r(y), class_=class_ or "ink", text_anchor=anchor))

    def _add(self, shape: Any, said: str) -> None:
        if said:
            shape.append_title(shown(said))
        self._drawing.append(shape)

    def element(self) -> Markup:
        """Return the picture as an element of HTML."""
        svg: str = self._drawing.as_svg(header="", skip_css=True, skip_js=True)
        # It has no definitions, and in HTML no namespaces.
        return Markup(svg[svg.index("<svg") :].replace("<defs>\n</defs>\n", ""))


def fitted(text: str, width: float, size: int = 12) -> str:
    """Return a text that is cut to a width.

    >>> fitted("Brute Bonnet", 60), fitted("Mew", 60)
    ('Brute B…', 'Mew')
    """
    most = int(width / (size * _CHARACTER))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def width_of(text: str, size: int) -> float:
    """Return how wide a text is at most."""
    return len(text) * size * _CHARACTER


def characters(width: float, size: int) -> int:
    """Return how many characters of a size fit into a width."""
    return int(width / (size * _CHARACTER))


def _r(number: float) -> float | int:
    rounded = round(number, 1)
    return int(rounded) if rounded == int(rounded) else rounded
