"""A box for each generation: where the middle half of its Pokémon lies, and how far the others reach."""

from collections.abc import Sequence

from markupsafe import Markup

from lake.report.pictures.canvas import WIDTH, Canvas, fitted, width_of
from lake.report.strength import Spread
from lake.text import shown

_ROW, _LEFT, _STEP, _TOP = 34, 46, 100, 20

# Names below a line: their size, the room of each, and what is left between two.
_SIZE, _NAME, _GAP = 10, 120, 8


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
        for name, x in _beside(row, least, most):
            canvas.text(name, x, middle + 18, "muted", _SIZE)
    return canvas.element()


def _beside(row: Spread, least: float, most: float) -> list[tuple[str, float]]:
    """Return the names below the ends of a line, and where each begins; a single one has room for both ends."""
    names = [fitted(shown(name), _NAME, _SIZE) for name in (row.weakest, row.strongest)]
    first, second = (width_of(name, _SIZE) for name in names)
    if row.weakest == row.strongest:
        return [(names[0], min(max(least - 4, _LEFT), WIDTH - 2 - first))]
    # Of names that would lie on each other, both give way, as far as the picture reaches; it has room for both.
    begin, end = max(least - 4, _LEFT), min(most + 4, WIDTH - 2)
    lacking = max(begin + first + _GAP + second - end, 0)
    right = min(lacking / 2, WIDTH - 2 - end)
    left = min(lacking - right, begin - _LEFT)
    return [(names[0], begin - left), (names[1], end + lacking - left - second)]
