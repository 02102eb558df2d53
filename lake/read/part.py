"""Parts of `Lake` that no reader has to know."""

from inspect import isfunction
from typing import TypeVar

C = TypeVar("C", bound=type)


def part_of_lake(part: C) -> C:
    """Let Python call the methods of a part those of `Lake`, as in the error of a call with too many arguments."""
    for name, method in vars(part).items():
        if isfunction(method):
            method.__qualname__ = f"Lake.{name}"
    return part
