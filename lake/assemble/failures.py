"""The documents of a snapshot that are not as new as its crawl: stale ones, and missing ones."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lake.assemble.build import Fault
from lake.assemble.index import Index
from lake.assemble.merged import MergedResource, Merging
from lake.assemble.stored import open_documents
from lake.commit import Commit, SourceFacts
from lake.resource import Failure
from lake.store import Store


def failed_documents(
    parent: Commit | None,
    source: SourceFacts,
    is_partial: bool,
    failed: Sequence[Failure],
    merging: Merging,
    index: Index,
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
    resources = {failure.resource for failure in every} & merging.resources.keys()
    before = {name: set(merging.ids_before(name).to_pylist()) for name in resources}
    after = {name: set(index.ids(name).to_pylist()) for name in resources}
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
    store: Store, merged: Mapping[str, MergedResource], faults: Iterable[Fault]
) -> Iterator[Failure]:
    """Yield each document that the crawl brought and that a table cannot take as it is."""
    of: dict[str, dict[int, str]] = defaultdict(dict)
    for fault in faults:
        of[fault.resource].setdefault(fault.id, fault.reason)
    for resource, reasons in of.items():
        gone, new = merged[resource].replaced
        before = open_documents(store, gone).hashes()
        rows = open_documents(store, new).read("id", "path", "sha256")
        rows = rows.filter(pc.is_in(rows["id"], pa.array(reasons, pa.int64())))
        for id_, path, hash_ in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            if before.get(path) != hash_:
                yield Failure(resource, id_, path, reasons[id_])
