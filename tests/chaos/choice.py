"""Which of a part's points to run, as the command line says it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import TypeVar

_T = TypeVar("_T")

# A part ends within fifteen, and its last point may take two.
MINUTES = 13


@dataclass(frozen=True)
class Choice:
    """Of each line of the table the points whose names hold `only`, of these one slice, and of that so many.

    Slice 2 of 3 has every third point, from the second one on. A part begins no point after so many `minutes`.
    """

    points: int | None = None
    only: str = ""
    slice: int = 1
    slices: int = 1
    minutes: float = MINUTES

    @classmethod
    def of(cls, points: int | None, only: str, slice_of: str, minutes: float) -> "Choice":
        """Return a choice whose slice is given as text.

        >>> Choice.of(None, "", "2/4", 10)
        Choice(points=None, only='', slice=2, slices=4, minutes=10)

        Raises:
            ValueError: It is no slice.
        """
        number, slices = (int(text) for text in slice_of.split("/"))
        if not 1 <= number <= slices:
            raise ValueError(f"there is no slice {number} of {slices}")
        return cls(points, only, number, slices, minutes)

    def shared(self, jobs: int) -> list["Choice"]:
        """Return slices of this choice that have no point in common, and together all of its points.

        >>> [(part.slice, part.slices, part.points) for part in Choice(3, slice=2, slices=4).shared(2)]
        [(2, 8, 2), (6, 8, 1)]
        """
        return [
            replace(
                self,
                points=None if self.points is None else (self.points + jobs - 1 - job) // jobs,
                slice=self.slice + self.slices * job,
                slices=self.slices * jobs,
            )
            for job in range(jobs)
        ]

    def take(self, there: Mapping[str, _T]) -> list[tuple[str, _T]]:
        """Return the chosen ones of the points of a line, which are given by name.

        >>> Choice(only="o").take({"one": 1, "two": 2, "three": 3})
        [('one', 1), ('two', 2)]
        """
        named = [(name, point) for name, point in there.items() if self.only in name]
        return named[self.slice - 1 :: self.slices][: self.points]

    @property
    def most(self) -> int:
        """Return how many points a line without an end may have."""
        return 1000 if self.points is None else self.points


def evenly(there: Sequence[_T], seed: int = 0) -> Iterator[_T]:
    """Yield all points in an order whose every beginning lies evenly among them.

    >>> list(evenly("abcdefgh"))
    ['a', 'f', 'c', 'h', 'e', 'b', 'g', 'd']
    """
    # Steps of the golden section never fall into step with a pattern in the points.
    step = max(1, round(len(there) * 0.618))
    while gcd(step, len(there)) != 1:
        step += 1
    for at in range(len(there)):
        yield there[(seed + at * step) % len(there)]
