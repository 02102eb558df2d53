"""Bars that lie on their side: species of each generation, and the values of one Pokémon."""

from collections.abc import Sequence

from markupsafe import Markup

from lake.report.pictures.canvas import WIDTH, Canvas, fitted
from lake.text import shown

_ROW, _BAR, _LABEL, _VALUE, _SIZE = 24, 15, 76, 52, 11


def bars(
    label: str, rows: Sequence[tuple[str, Sequence[tuple[int, str, str]], str]], names: int = _LABEL, kind: str = "bars"
) -> Markup:
    """Draw a bar per row: its name, its parts (how much, which class, in words), and what stands at its end."""
    room = WIDTH - names - _VALUE
    most = max((sum(part[0] for part in parts) for _, parts, _ in rows), default=0) or 1
    canvas = Canvas(len(rows) * _ROW + 4, label, kind)
    for place, (name, parts, value) in enumerate(rows):
        top, x = place * _ROW + 4, float(names)
        canvas.text(fitted(shown(name), names - 6, _SIZE), names - 6, top + 11, "ink", _SIZE, "end")
        for count, class_, said in parts:
            if count:
                width = room * count / most
                canvas.rectangle(x, top, max(width - 1, 1), _BAR, class_, f"{name}: {said}")
                x += width
        canvas.text(value, x + 5, top + 12, "muted")
    return canvas.element()
