"""What stands behind a Pokémon's picture, and in its place where there is no network."""

from markupsafe import Markup

from lake.report.pictures.canvas import Canvas

_SIDE = 220


def ball(label: str) -> Markup:
    """Draw a Poké Ball."""
    canvas = Canvas(_SIDE, label, "ball", _SIDE)
    middle, radius = _SIDE / 2, 100
    canvas.circle(middle, middle, radius, "lower")
    canvas.path(f"M{middle - radius} {middle}A{radius} {radius} 0 0 1 {middle + radius} {middle}Z", "upper")
    canvas.line(middle - radius, middle, middle + radius, middle, "band")
    canvas.circle(middle, middle, radius, "rim")
    canvas.circle(middle, middle, 30, "button")
    canvas.circle(middle, middle, 15, "knob")
    return canvas.element()
