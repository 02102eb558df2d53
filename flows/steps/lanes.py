"""Submitting tasks a few at a time, each when another has ended, so that no more are at work than may be."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from prefect.client.schemas import State
from prefect.futures import PrefectFuture

from lake.errors import LakeError

_T = TypeVar("_T")

# Whoever waits for a task looks as often whether it is still wanted.
CHECK_SECONDS = 2


def in_lanes(
    todo: deque[_T],
    lanes: int,
    submit: Callable[[_T], PrefectFuture[Any]],
    require_open: Callable[[], None] = lambda: None,
    may_begin: Callable[[Iterable[_T], _T], bool] = lambda running, item: True,
) -> Iterator[tuple[_T, State[Any]]]:
    """Submit everything that is to be done, so many at a time; yield each with its final state, as they end.

    Whoever takes them may add more to what is to be done, or clear it. `require_open` raises when nobody waits for them
    any longer. While some are under way, the next one waits until it `may_begin` beside them.

    Raises:
        LakeError: What was to do the task is gone, such as its worker, several times in a row, or its scheduler.
    """
    ended, running = SimpleQueue[tuple[_T, PrefectFuture[Any]]](), list[_T]()

    def start(item: _T) -> None:
        future = submit(item)
        future.add_done_callback(lambda _: ended.put((item, future)))

    while todo or running:
        while todo and len(running) < lanes and (not running or may_begin(running, todo[0])):
            running.append(item := todo.popleft())
            start(item)
        try:
            item, future = ended.get(timeout=CHECK_SECONDS)
        except Empty:
            require_open()
            continue
        del running[next(place for place, one in enumerate(running) if one is item)]
        yield item, _final_state(future)


def _final_state(future: PrefectFuture[Any]) -> State[Any]:
    future.wait()
    state = future.state
    if not state.is_final():
        # Of a task whose worker died, Prefect knows only that it runs.
        try:
            future.result(raise_on_failure=False)
        except Exception as error:
            raise LakeError(
                f"the workers lost a task: {type(error).__name__}: {error}; look at their logs, and run again to go on"
                " from here",
                may_pass=True,
            ) from error
    return state
