"""The documents of a snapshot that are not as new as its crawl: stale ones, and missing ones."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from lake.assemble.merge import MergedResource, open_documents
from lake.commit import Commit, SourceFacts
from lake.resource import Failure
from lake.store import Store


def failed_documents(
    store: Store,
    parent: Commit | None,
    source: SourceFacts,
    is_partial: bool,
    failed: Sequence[Failure],
    merged: Mapping[str, MergedResource],
    picked: Mapping[str, Collection[int]],
) -> tuple[list[Failure], list[Failure]]:
    """Return the documents that failed in a crawl: those that keep an older version, and those that have none.

    Of what a partial crawl did not ask for, the parent's failures still count; `picked` has the ids that one asked for
    by name.
    """
    every = list(failed)
    if parent is not None:
        asked = set() if is_partial else set(source.resources) - source.refused.keys()
        again = {failure.path for failure in failed}
        every += [
            failure
            for failure in (*parent.stale, *parent.missing)
            if failure.path not in again
            and failure.resource not in asked
            and failure.id not in picked.get(failure.resource, ())
        ]
    resources = sorted({failure.resource for failure in every} & merged.keys())
    before, after = (
        {name: set(open_documents(store, getattr(merged[name], which)).ids().to_pylist()) for name in resources}
        for which in ("before", "after")
    )
    stale, missing = [], []
    for failure in every:
        was_there = failure.id in before.get(failure.resource, ())
        is_there = failure.id in after.get(failure.resource, ())
        if was_there and is_there:
            stale.append(failure)
        elif not was_there and not is_there:
            missing.append(failure)
    return stale, missing


def rejected_documents(
    merged: Mapping[str, MergedResource], faults: Mapping[tuple[str, int], str]
) -> Iterable[Failure]:
    """Yield each document that the crawl brought and that a table cannot take as it is."""
    for (resource, id_), reason in faults.items():
        if path := merged[resource].taken.get(id_):
            yield Failure(resource, id_, path, reason)
