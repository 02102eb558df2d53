"""The bench's table: what was measured, beside what, and whether that is within its budget."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["times", "above", "at most"]

# How a budget bounds what is measured: by the base's multiple, by what is added to it, or by itself.
_WORDS = {"times": "{:g} x", "above": "+{:g}", "at most": "{:g}"}


@dataclass(frozen=True)
class Row:
    """One line: `measured` and `base` are medians of `runs` and `base_runs`; without a `budget` it only tells."""

    what: str
    runs: Sequence[float]
    base_runs: Sequence[float] = ()
    kind: Kind = "at most"
    budget: float | None = None

    @property
    def measured(self) -> float:
        return statistics.median(self.runs)

    @property
    def base(self) -> float | None:
        return statistics.median(self.base_runs) if self.base_runs else None

    @property
    def ratio(self) -> float | None:
        return self.measured / self.base if self.base else None

    @property
    def verdict(self) -> str:
        """Whether it is within its budget, and which one that is.

        >>> Row("seconds", [3.0, 5.0, 4.0], [2.0], "above", 1.0).verdict
        'OVER +1'
        """
        if self.budget is None:
            return ""
        base = self.base or 0.0
        limit = {"times": base * self.budget, "above": base + self.budget, "at most": self.budget}[self.kind]
        return f"{'within' if self.measured <= limit else 'OVER'} {_WORDS[self.kind].format(self.budget)}"

    def line(self) -> str:
        """Return the row as a line of the table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (
            f"{self.what:<41} {_number(self.measured):>8} {_number(self.base):>8} {ratio:>5}  {self.verdict}".rstrip()
        )

    def json(self) -> dict[str, Any]:
        """Return the row for a program, with every single run."""
        named = {name: getattr(self, name) for name in ("measured", "base", "ratio", "verdict")}
        return {**asdict(self), **named}


HEAD = f"{'what':<41} {'measured':>8} {'base':>8} {'ratio':>5}  verdict"


def _number(value: float | None) -> str:
    """Return a number with three digits that count.

    >>> [_number(value) for value in (22.238, 0.0287, 1090.4, None)]
    ['22.2', '0.0287', '1,090', '']
    """
    if value is None:
        return ""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
