"""Tasks are submitted a few at a time; what lost its worker ends the run in a sentence."""

from collections import deque
from typing import Any

import pytest
from prefect.states import Completed, Running

from flows.steps import lanes
from flows.steps.lanes import in_lanes
from lake.errors import LakeError, SourceError


class Future:
    """A future of Prefect, as far as whoever waits for it uses it; it ends at once unless it is told to be late."""

    def __init__(self, state: Any, error: Exception | None = None, is_late: bool = False) -> None:
        self.state, self._error, self._is_late = state, error, is_late

    def add_done_callback(self, told: Any) -> None:
        if not self._is_late:
            told(self)

    def wait(self) -> None: ...

    def result(self, raise_on_failure: bool) -> None:
        if self._error is not None:
            raise self._error


def test_no_more_are_under_way_than_lanes_and_more_may_be_added():
    at_once, most = set[int](), 0

    def submit(item: int) -> Any:
        nonlocal most
        at_once.add(item)
        most = max(most, len(at_once))
        return Future(Completed())

    todo, done = deque(range(6)), list[int]()
    for item, _ in in_lanes(todo, 2, submit):
        at_once.discard(item)
        done.append(item)
        if item == 5:
            todo.append(6)
    assert (sorted(done), most) == (list(range(7)), 2)


def test_one_that_may_not_begin_beside_the_others_waits_for_them():
    seen = list[list[int]]()

    def may_begin(running: Any, item: int) -> bool:
        seen.append([*running, item])
        return sum(running) + item <= 5

    order = [item for item, _ in in_lanes(deque([3, 3, 2]), 3, lambda item: Future(Completed()), may_begin=may_begin)]  # type: ignore[arg-type, return-value]
    assert order == [3, 3, 2]
    assert seen == [[3, 3], [3, 2]]


def test_a_task_that_was_lost_with_its_worker_is_said_and_may_be_tried_again():
    lost = Future(Running(), OSError("the worker died four times"))
    with pytest.raises(LakeError, match="the workers lost a task: OSError: the worker died four times") as error:
        list(in_lanes(deque([1]), 1, lambda item: lost))  # type: ignore[arg-type, return-value]
    assert error.value.may_pass


def test_whoever_waits_is_woken_when_nobody_wants_the_tasks_any_longer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "CHECK_SECONDS", 0.01)

    def closed() -> None:
        raise SourceError("it took too long")

    with pytest.raises(SourceError, match="it took too long"):
        list(in_lanes(deque([1]), 1, lambda item: Future(None, is_late=True), closed))  # type: ignore[arg-type, return-value]
