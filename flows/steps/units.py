"""The units of work of a snapshot as tasks: each merges some documents, or builds some tables, on any worker."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.steps.batch import may_help
from flows.steps.lanes import in_lanes
from flows.steps.memory import trim
from flows.steps.parameters import LakeLocation
from flows.steps.runner import workers_of_run
from flows.steps.shipped import require_code
from lake.assemble.infer import InferUnit
from lake.assemble.piece import MergeUnit
from lake.assemble.units import UNITS_AT_ONCE, Result, Unit, do, has_room, read_result, read_unit
from lake.store import Store


@task(
    task_run_name="{title}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=may_help,
)
def do_unit(lake: LakeLocation, unit: str, title: str, code: str | None = None) -> str:
    """Do one unit of work, which is given as JSON; return its result as JSON.

    Doing it again leaves the same files, so a worker that dies costs its unit alone.
    """
    require_code(code)
    # What the crawl or the unit before left, now that much is needed.
    trim()
    result = do(lake.open(), read_unit(unit))
    return msgspec.json.encode(result).decode()


class RunUnits:
    """Does units as tasks where the run's runner says; those in threads as far as there is memory for them."""

    def __init__(self, lake: LakeLocation) -> None:
        self._lake = lake

    def __call__(self, store: Store, units: Sequence[Unit]) -> Iterator[Result]:
        """Do all of these units, and yield their results as they come."""
        workers = workers_of_run()
        lanes, code = (UNITS_AT_ONCE, None) if workers is None else (workers.count(), workers.code)
        may_begin = has_room if workers is None else _always
        opened: AbstractContextManager[TaskRunner[Any]] = (
            ThreadPoolTaskRunner[str](max_workers=lanes) if workers is None else nullcontext(workers.runner)
        )
        with opened as runner:

            def submit(unit: Unit) -> PrefectFuture[Any]:
                given = {"lake": self._lake, "unit": msgspec.json.encode(unit).decode(), "title": title(unit)}
                future: PrefectFuture[Any] = runner.submit(do_unit, {**given, "code": code})
                return future

            for _, state in in_lanes(deque(units), lanes, submit, may_begin=may_begin):
                yield read_result(state.result())


def _always(running: Iterable[Unit], unit: Unit) -> bool:
    return True


def title(unit: Unit) -> str:
    """Return what a person calls a unit."""
    if isinstance(unit, MergeUnit):
        names = list(dict.fromkeys(piece.resource for piece in unit.pieces))
        return f"merge {_and_more(names)}"
    if isinstance(unit, InferUnit):
        return f"look at {unit.resource}"
    return f"build {_and_more(unit.group.tables)}"


def _and_more(names: Sequence[str]) -> str:
    first, *others = names
    return first if not others else f"{first} and {others[0] if len(others) == 1 else f'{len(others)} more'}"
