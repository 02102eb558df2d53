"""At which places of many a law is tried."""

import random
from collections.abc import Iterable
from typing import TypeVar

from hypothesis import settings

_Place = TypeVar("_Place")

# As many as a law has examples while one works would take longer than all that is tested beside it.
FEW = 3


def tried(places: Iterable[_Place], *always: _Place) -> list[_Place]:
    """Return the places at which a law is tried: all of them in `make test`, and a few in `make check`.

    Those few are drawn anew in each run, by the seed that pytest prints at its begin. What stands in `always` is tried
    in each run, because the law says something else there than elsewhere.

    >>> sorted(tried(range(3), 7))
    [0, 1, 2, 7]
    """
    others = [place for place in places if place not in always]
    if settings.get_current_profile_name() == "dev" and len(others) > FEW:
        others = random.sample(others, FEW)
    return [*others, *always]
