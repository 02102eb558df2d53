"""Submitting tasks a few at a time, each when another has ended, so that no more are at work than may be."""

from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

from prefect.client.schemas import State
from prefect.futures import PrefectFuture

_T = TypeVar("_T")


def in_lanes(
    todo: deque[_T], lanes: int, submit: Callable[[_T], PrefectFuture[Any]]
) -> Iterator[tuple[_T, State[Any]]]:
    """Submit everything that is to be done, so many at a time; yield each with its final state, as they end.

    Whoever takes them may add more to what is to be done, or clear it.
    """
    ended, running = SimpleQueue[tuple[_T, PrefectFuture[Any]]](), 0

    def start(item: _T) -> None:
        future = submit(item)
        future.add_done_callback(lambda _: ended.put((item, future)))

    while todo or running:
        while todo and running < lanes:
            start(todo.popleft())
            running += 1
        item, future = ended.get()
        running -= 1
        future.wait()
        yield item, future.state
