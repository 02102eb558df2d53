"""Six stats as a hexagon, beside those of the mean Pokémon."""

from collections.abc import Sequence
from math import cos, pi, sin

from markupsafe import Markup

from lake.report.pictures.canvas import WIDTH, Canvas

_RADIUS, _TOP = 82, 112

# Stats beyond it are drawn at the rim; of 1,350 varieties 20 have one.
_FULL = 180


def radar(label: str, stats: Sequence[tuple[str, int, float]]) -> Markup:
    """Draw each stat on a spoke of its own, from the top to the right; the mean of all Pokémon is the dashed line."""
    canvas = Canvas(_TOP * 2 + 4, label, "radar")
    count = len(stats)

    def point(place: int, value: float) -> tuple[float, float]:
        angle, reach = 2 * pi * place / count, _RADIUS * min(value / _FULL, 1)
        return WIDTH / 2 + reach * sin(angle), _TOP - reach * cos(angle)

    for ring in (60, 120, _FULL):
        canvas.outline([point(place, ring) for place in range(count)], "ring")
    for place in range(count):
        canvas.line(WIDTH / 2, _TOP, *point(place, _FULL), "grid")
    canvas.outline([point(place, mean) for place, (_, _, mean) in enumerate(stats)], "mean")
    canvas.outline([point(place, value) for place, (_, value, _) in enumerate(stats)], "shape")
    for place, (name, value, mean) in enumerate(stats):
        canvas.circle(*point(place, value), 3.5, "accent", f"{name}: {value}, the mean is {mean:.0f}")
        x, y = point(place, _FULL * 1.14)
        side = sin(2 * pi * place / count)
        anchor = "start" if side > 0.1 else "end" if side < -0.1 else "middle"
        lower = 8 if cos(2 * pi * place / count) < -0.1 else 0
        canvas.text(f"{name} {value}", x, y + 4 + lower, "ink", 12, anchor)
    return canvas.element()
