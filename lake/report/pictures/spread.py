"""A box for each generation: where the middle half of its Pokémon lies, and how far the others reach."""

from collections.abc import Sequence

from markupsafe import Markup

from lake.report.pictures.canvas import WIDTH, Canvas, fitted
from lake.report.strength import Spread
from lake.text import shown

_ROW, _LEFT, _STEP, _TOP = 34, 46, 100, 20


def spread(label: str, rows: Sequence[Spread]) -> Markup:
    """Draw the totals of each generation; who has the least and the most stands below its line."""
    low = min(row.numbers[0] for row in rows) // _STEP * _STEP
    high = -(-max(row.numbers[4] for row in rows) // _STEP) * _STEP
    canvas = Canvas(_TOP + len(rows) * _ROW, label, "spread")

    def at(value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - 10) * (value - low) / max(high - low, 1)

    for mark in range(int(low), int(high) + 1, _STEP):
        canvas.line(at(mark), _TOP - 4, at(mark), _TOP + len(rows) * _ROW - 6, "grid")
        canvas.text(str(mark), at(mark), 11, "muted", 10, "middle")
    for place, row in enumerate(rows):
        middle = _TOP + place * _ROW + 8
        least, lower, median, upper, most = map(at, row.numbers)
        canvas.text(f"Gen {row.generation}", 0, middle + 4)
        canvas.line(least, middle, most, middle, "whisker")
        said = f"Gen {row.generation}: half of its {row.count} have {row.numbers[1]:.0f} to {row.numbers[3]:.0f}"
        canvas.rectangle(lower, middle - 6, max(upper - lower, 2), 12, "accent", said)
        canvas.line(median, middle - 6, median, middle + 6, "median")
        canvas.circle(least, middle, 3, "second", f"{row.weakest}: {row.numbers[0]:.0f}")
        canvas.circle(most, middle, 3, "second", f"{row.strongest}: {row.numbers[4]:.0f}")
        canvas.text(fitted(shown(row.weakest), 120, 10), max(least - 4, _LEFT), middle + 18, "muted", 10)
        canvas.text(fitted(shown(row.strongest), 120, 10), min(most + 4, WIDTH - 2), middle + 18, "muted", 10, "end")
    return canvas.element()
