"""The snapshots in their order: how many documents each added, changed and removed, and how many it held."""

from collections.abc import Sequence
from math import ceil, log10

from markupsafe import Markup

from lake.report.facts import Moment
from lake.report.pictures.canvas import WIDTH, Canvas

_LEFT, _RIGHT, _TOP, _HEIGHT = 50, 8, 10, 130

# What changed, from left to right in a snapshot's place, each with its class and its word.
_MARKS = (("added", "good"), ("modified", "second"), ("deleted", "bad"))


def timeline(label: str, moments: Sequence[Moment]) -> Markup:
    """Draw a stem for each kind of change of each snapshot; ten times as many are one line higher."""
    most = max(max(moment.added, moment.modified, moment.deleted) for moment in moments)
    decades = ceil(log10(max(most, 10)))
    canvas = Canvas(_TOP + _HEIGHT + 22, label, "timeline")

    def height(count: int) -> float:
        return _HEIGHT * (log10(count) + 1) / (decades + 1) if count else 0

    base = _TOP + _HEIGHT
    canvas.line(_LEFT, base, WIDTH - _RIGHT, base, "axis")
    canvas.text("0", _LEFT - 6, base + 4, "muted", 10, "end")
    for decade in range(decades + 1):
        y = base - height(10**decade)
        canvas.line(_LEFT, y, WIDTH - _RIGHT, y, "grid")
        canvas.text(f"{10**decade:,}", _LEFT - 6, y + 4, "muted", 10, "end")
    step = (WIDTH - _LEFT - _RIGHT) / len(moments)
    gap = min(step / 4, 7)
    for place, moment in enumerate(moments):
        middle = _LEFT + step * (place + 0.5)
        for beside, (kind, class_) in enumerate(_MARKS):
            count = getattr(moment, kind)
            if count:
                x = middle + (beside - 1) * gap
                canvas.line(x, base, x, base - height(count), f"stem {class_}-line")
                said = f"{moment.snapshot}: {count:,} {kind}"
                canvas.circle(x, base - height(count), min(max(gap / 2, 1.5), 4), class_, said)
    _days(canvas, moments, base + 16)
    return canvas.element()


def held(label: str, moments: Sequence[Moment]) -> Markup:
    """Draw how many documents the snapshots held."""
    counts = [moment.documents for moment in moments]
    low, high = min(counts), max(counts)
    room = max(high - low, 1)
    canvas = Canvas(_TOP + 80 + 22, label, "held")
    base, step = _TOP + 80, (WIDTH - _LEFT - _RIGHT) / len(moments)

    def at(count: int) -> float:
        return base - 8 - 64 * (count - low) / room

    for mark in sorted({low, high}):
        canvas.line(_LEFT, at(mark), WIDTH - _RIGHT, at(mark), "grid")
        canvas.text(f"{mark:,}", _LEFT - 6, at(mark) + 4, "muted", 10, "end")
    canvas.line(_LEFT, base, WIDTH - _RIGHT, base, "axis")
    points = []
    for place, count in enumerate(counts):
        points += [(_LEFT + step * place, at(count)), (_LEFT + step * (place + 1), at(count))]
    canvas.outline(points, "accent-line", is_closed=False)
    _days(canvas, moments, base + 16)
    return canvas.element()


def _days(canvas: Canvas, moments: Sequence[Moment], y: float) -> None:
    canvas.text(moments[0].day, _LEFT, y, "muted", 10)
    if len(moments) > 1:
        canvas.text(moments[-1].day, WIDTH - _RIGHT, y, "muted", 10, "end")
