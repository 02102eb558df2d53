"""Which numbers the commits of a lake have; the newest are found without listing all of them.

Numbers have ten digits in keys, so S3 lists them in their order, and it begins wherever it is asked to.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from lake.accept import warn
from lake.errors import NoCommitError
from lake.layout import COMMITS, LARGEST_GAP, commit_key, commit_seq, in_reach
from lake.store import Store

# The most keys that S3 names in one answer.
PAGE = 1000


def commit_seqs(store: Store, after: int = 0) -> list[int]:
    """Return the numbers of all objects that may be commits, or of those after a commit, oldest first."""
    found = [seq for item in store.list(COMMITS, _key(after)) if (seq := commit_seq(item.key)) is not None]
    reached = in_reach(found, after)
    _warn(store, found[len(reached) :])
    return reached


def newest_first(store: Store, below: int | None = None) -> Iterator[int]:
    """Yield the numbers of objects that may be commits, or of those below a commit, the newest first.

    Up to a thousand commits are one request. Of more, the newest thousand are some ten, however many there are.
    """
    low, is_all = below or 1, False
    if below is None:
        found, is_all = _newest(store)
        yield from reversed(found)
        low = found[0] if found else 1
    width = PAGE - 1
    while low > 1 and not is_all:
        start = max(low - 1 - width, 0)
        found = list(_between(store, start, low))
        yield from reversed(found)
        low, width = start + 1, PAGE - 1 if found else 2 * width


def _between(store: Store, start: int, end: int) -> Iterator[int]:
    for item in store.list(COMMITS, _key(start)):
        if item.key >= commit_key(end):
            return
        if (seq := commit_seq(item.key)) is not None:
            yield seq


def following(store: Store, after: int) -> list[int]:
    """Return the numbers of objects that may be commits next after a number: at most a page of them."""
    return _page(store, after, after)[0]


def _newest(store: Store) -> tuple[list[int], bool]:
    """Return the numbers of a page that ends with the newest, and whether there are no others."""
    found, is_last = _page(store, 0, 0)
    is_all = is_last
    while not is_last:
        found, is_last = _further(store, found)
    return found, is_all


def _further(store: Store, known: list[int]) -> tuple[list[int], bool]:
    """Return a page of numbers further up than these, and whether there are none above it."""
    top, step = known[-1], PAGE
    while True:
        found, is_last = _page(store, top + step, top)
        if not found:
            break
        if is_last:
            return found, True
        known, top, step = found, found[-1], min(2 * step, LARGEST_GAP)
    upper = top + step
    while upper - top > PAGE:
        middle = (top + upper) // 2
        found, is_last = _page(store, middle, top)
        if found and is_last:
            return found, True
        if found:
            known, top = found, found[-1]
        else:
            upper = middle
    found, is_last = _page(store, top, top)
    return (found, is_last) if found else (known, True)


def _page(store: Store, after: int, known: int) -> tuple[list[int], bool]:
    """Return the numbers that come next after one, as far as a commit leads there, and whether there are no more."""
    found, key = list[int](), _key(after)
    while True:
        keys = [item.key for item in islice(store.list(COMMITS, key), PAGE)]
        found += [seq for key in keys if (seq := commit_seq(key)) is not None]
        if found or len(keys) < PAGE:
            break
        key = keys[-1]
    reached = in_reach(found, known)
    if reached or after == known:
        _warn(store, found[len(reached) :])
    return reached, len(keys) < PAGE or len(reached) < len(found)


def _warn(store: Store, far: Sequence[int]) -> None:
    for seq in far:
        warn(NoCommitError(store.uri(commit_key(seq)), "its number is far above that of any commit before it"))


def _key(after: int) -> str:
    return commit_key(after) if after else ""
