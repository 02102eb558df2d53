"""What crawls of a source that was tried will take: requests, time at the stated pace, and bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lake.crawl.trial import Trial
from lake.source import Source
from lake.text import counted

# Items of a collection that does not say how many it has, to name some number.
ASSUMED = 1_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one crawl takes; `why` is a sentence without its end, and `assumed` says of what nobody knows what it takes.

    `seconds` is the least that the pace allows, None without a pace; `bytes` is None where nobody knows them.
    """

    requests: int
    seconds: float | None
    bytes: int | None
    why: str
    assumed: str = ""


def estimate(source: Source, trials: Sequence[Trial]) -> tuple[Estimate, Estimate]:
    """Return what a first crawl of these collections takes, and what a refresh takes after it."""
    unknown = [trial.resource for trial in trials if trial.count is None]
    known = [replace(trial, count=ASSUMED) if trial.count is None else trial for trial in trials]
    found = _estimates(source, known)
    if not unknown:
        return found
    assumed = f"for {ASSUMED:,} items of {' and of '.join(unknown)}, because no answer says how many there are"
    return replace(found[0], assumed=assumed), replace(found[1], assumed=assumed)


def _estimates(source: Source, trials: Sequence[Trial]) -> tuple[Estimate, Estimate]:
    pages, documents = sum(map(_pages, trials)), sum(_count(trial) for trial in trials)
    sizes = [_bytes(trial) for trial in trials]
    size = None if None in sizes else sum(one or 0 for one in sizes)
    if source.rest and not source.rest.document_path:
        said = f"{counted(pages, 'page')}, read twice: to see what is listed, and for the documents in them"
        first = _estimate(source, 2 * pages, None if size is None else 2 * size, said)
        return first, _estimate(source, 2 * pages, first.bytes, f"the same{_changes_only(source)}")
    what = "page" if source.rest else "listing"
    said = f"{counted(pages, what)}, and {counted(documents, 'document')} one by one"
    return _estimate(source, pages + documents, size, said), _refresh(source, trials, pages, documents)


def too_many(first: Estimate, trials: Sequence[Trial]) -> list[str]:
    """Return what the source says of the requests that are left, where a first crawl makes more."""
    left = {name: value for trial in trials for name, value in trial.rate_limit.items() if name.endswith("Remaining")}
    return [
        f"{name} is {value}, and a first crawl makes {first.requests:,}: the source will make it wait, or refuse; lower"
        " requests_per_second"
        for name, value in left.items()
        if value.strip().isdecimal() and int(value) < first.requests
    ]


def _refresh(source: Source, trials: Sequence[Trial], pages: int, documents: int) -> Estimate:
    if not source.rest:
        why = "at most; what has an ETag and did not change is a short answer, and a version that is known ends it"
        return _estimate(source, pages + documents, None, why)
    if all(trial.have_etags for trial in trials if trial.count):
        why = f"as many, but a document that did not change is a short answer, by its ETag{_changes_only(source)}"
        return _estimate(source, pages + documents, None, why)
    if source.reask_seconds:
        why = f"the pages alone within {source.reask_seconds:,.0f} s, by reask_seconds; then all documents"
        return _estimate(source, pages, None, f"{why}{_changes_only(source)}")
    why = "the same, because documents have no ETag: set reask_seconds, to ask for each less often"
    return _estimate(source, pages + documents, None, f"{why}{_changes_only(source)}")


def _changes_only(source: Source) -> str:
    """Return what is said of a source that can list what changed; nothing of any other."""
    if not source.rest or not source.rest.since_parameter or source.rest.complete_every == 1:
        return ""
    every = source.rest.complete_every
    return f"; {every - 1} of {every} refreshes list only what changed since the last, by rest.since_parameter"


def _estimate(source: Source, requests: int, size: int | None, why: str) -> Estimate:
    rate = source.requests_per_second
    return Estimate(requests, requests / rate if rate else None, size, why)


def _count(trial: Trial) -> int:
    assert trial.count is not None, "one is assumed where it is not known"
    return trial.count


def _pages(trial: Trial) -> int:
    return max(1, -(-_count(trial) // trial.items)) if trial.items else 1


def _bytes(trial: Trial) -> int | None:
    """Return how many bytes pages and documents have, if the others are as long as those that came."""
    if trial.bytes is None:
        return None
    listed = trial.bytes * _count(trial) // trial.items if trial.items else trial.bytes
    if trial.is_inline or not trial.documents:
        return listed
    return listed + sum(len(document.body) for document in trial.documents) * _count(trial) // len(trial.documents)
