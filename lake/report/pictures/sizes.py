"""Every Pokémon by its height and its weight."""

from collections.abc import Sequence
from math import ceil, floor, log10

from markupsafe import Markup

from lake.report.pictures.canvas import WIDTH, Canvas, fitted, width_of
from lake.report.strength import Size
from lake.text import shown

_LEFT, _RIGHT, _TOP, _HEIGHT, _SIZE = 54, 12, 8, 250, 10

# From one mark to the next it is ten times as much.
_MARK = "{:,.10g}"


def sizes(label: str, found: Sequence[Size]) -> Markup:
    """Draw a dot for each Pokémon, and name those at the ends."""
    canvas = Canvas(_TOP + _HEIGHT + 34, label, "sizes")
    base = _TOP + _HEIGHT
    low_m, high_m = _ends([one.height_m for one in found])
    low_kg, high_kg = _ends([one.weight_kg for one in found])

    def x(height: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (log10(height) - low_m) / (high_m - low_m)

    def y(weight: float) -> float:
        return base - _HEIGHT * (log10(weight) - low_kg) / (high_kg - low_kg)

    for power in range(ceil(low_m), floor(high_m) + 1):
        canvas.line(x(10**power), _TOP, x(10**power), base, "grid")
        canvas.text(f"{_MARK.format(10**power)} m", x(10**power), base + 15, "muted", _SIZE, "middle")
    for power in range(ceil(low_kg), floor(high_kg) + 1):
        canvas.line(_LEFT, y(10**power), WIDTH - _RIGHT, y(10**power), "grid")
        canvas.text(f"{_MARK.format(10**power)} kg", _LEFT - 5, y(10**power) + 4, "muted", _SIZE, "end")
    for one in found:
        class_ = "dot-accent" if one.is_legend else "dot-second"
        said = f"{one.name}: {one.height_m:,.1f} m, {one.weight_kg:,.1f} kg"
        canvas.circle(x(one.height_m), y(one.weight_kg), 2.5, class_, said)
    taken: list[tuple[float, float, float]] = []
    for one in _named(found):
        name, place, height = fitted(shown(one.name), 110, _SIZE), x(one.height_m), y(one.weight_kg) + 4
        width, is_right = width_of(name, _SIZE), place > WIDTH / 2
        begin, end = (place - 6 - width, place - 6) if is_right else (place + 6, place + 6 + width)
        # Where two names would lie on each other, the first is enough.
        if all(end < left or begin > right or abs(height - other) > _SIZE + 2 for left, right, other in taken):
            taken.append((begin, end, height))
            canvas.text(name, end if is_right else begin, height, "ink", _SIZE, "end" if is_right else "start")
    return canvas.element()


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the powers of ten between which all values lie, with a little room."""
    return log10(min(values)) - 0.1, log10(max(values)) + 0.1


def _named(found: Sequence[Size]) -> list[Size]:
    """Return the tallest, the smallest, the heaviest and the lightest one, and those that are so for their height."""
    asked = (
        lambda one: one.height_m,
        lambda one: one.weight_kg,
        lambda one: -one.height_m,
        lambda one: -one.weight_kg,
        lambda one: log10(one.weight_kg) - 3 * log10(one.height_m),
        lambda one: 3 * log10(one.height_m) - log10(one.weight_kg),
    )
    named = {best.name: best for by in asked for best in [max(found, key=by)]}
    return list(named.values())
