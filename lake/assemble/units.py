"""Units of work: what lies in the store becomes files in the store and a small description, in any process.

A unit has names, keys, numbers and hashes alone, and is JSON both ways (`msgspec.to_builtins`, `msgspec.convert`), as
its result is. Doing it twice leaves the same files.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

import msgspec

from lake.assemble.build import BuildResult, BuildUnit, build_unit
from lake.assemble.infer import InferResult, InferUnit, infer_unit
from lake.assemble.piece import MergeResult, MergeUnit, merge_unit
from lake.store import Store

Unit = MergeUnit | InferUnit | BuildUnit
Result = MergeResult | InferResult | BuildResult

# Made here, by one thread: msgspec 0.22 crashes where two threads ask it for the same types for the first time.
_UNIT, _RESULT = msgspec.json.Decoder(Unit), msgspec.json.Decoder(Result)

# Units that one process does at the same time: as many as there are, but not more bytes than this at once.
UNITS_AT_ONCE = 2
BYTES_AT_ONCE = 160 << 20


class RunUnits(Protocol):
    """Does units, anywhere and in any order, and yields their results as they come."""

    def __call__(self, store: Store, units: Sequence[Unit]) -> Iterable[Result]:
        """Do all of these units."""
        ...


def read_unit(text: str) -> Unit:
    """Return a unit of work out of its JSON."""
    found: Unit = _UNIT.decode(text)
    return found


def read_result(text: str) -> Result:
    """Return the outcome of a unit of work out of its JSON."""
    found: Result = _RESULT.decode(text)
    return found


def do(store: Store, unit: Unit) -> Result:
    """Do one unit of work, and return a description of what it left in the store.

    Raises:
        DamagedObjectError: A file of the parent is not what its commit says.
        MissingObjectError: It is gone.
        StoreError: A staged object is not what its manifest says.
    """
    match unit:
        case MergeUnit():
            return merge_unit(store, unit)
        case InferUnit():
            return infer_unit(store, unit)
        case BuildUnit():
            return build_unit(store, unit)


def in_threads(store: Store, units: Sequence[Unit]) -> Iterator[Result]:
    """Do units in threads of this process, in their order; a unit waits while those before it need too much memory."""
    waiting, running = list(reversed(units)), dict[Future[Result], Unit]()
    with ThreadPoolExecutor(UNITS_AT_ONCE, thread_name_prefix="unit") as pool:
        while waiting or running:
            while waiting and (not running or has_room(running.values(), waiting[-1])):
                unit = waiting.pop()
                running[pool.submit(do, store, unit)] = unit
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                del running[future]
                yield future.result()


def has_room(running: Iterable[Unit], unit: Unit) -> bool:
    """Tell whether one process may begin a unit beside those that it does already."""
    weights = [one.weight for one in running]
    return len(weights) < UNITS_AT_ONCE and sum(weights) + unit.weight <= BYTES_AT_ONCE
