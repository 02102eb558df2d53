"""Snapshots made of each other: whatever changed from one to the next, each follows from its documents alone."""

from collections.abc import Callable

from flows.local.replica import demo_documents
from lake.assemble.draft import Crawled
from lake.publish import remove_snapshot, same_files
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, changed, copied, hashes, only, without


def test_after_any_chain_of_changes_every_snapshot_is_what_a_full_rebuild_gives(store: Store):
    """Tables that were carried over, whole or in the rows of some resources, must be what a rebuild gives."""
    documents = only(demo_documents(), "generation", "item", "pokemon", "pokemon-species")
    generations = {path: body for path, body in documents.items() if path.startswith("generation/")}
    item = min(path for path in documents if path.startswith("item/"))
    steps: list[Callable[[Documents], Documents]] = [
        lambda now: now,
        lambda now: copied(changed(now, "pokemon/25", height=5), "pokemon/132", 1_000_132, name="other-ditto"),
        lambda now: without(
            changed(now, "pokemon-species/25", generation={"name": "x", "url": "/api/v2/generation/9/"}),
            item,
            "generation/",
        ),
        lambda now: {**now, **generations},
    ]
    lake, now = Lakeside(store), documents
    before: dict[str, str] = {}
    for seq, step in enumerate(steps, 1):
        now = step(now)
        commit = lake.fill(now, allow_shrink=("generation",))
        assert commit.seq == seq
        carried = {name for name, hash_ in hashes(commit).items() if before.get(name) == hash_}
        assert (0 < len(carried) < len(before)) == (seq > 1)
        before = hashes(commit)
        full = lake.draft(Crawled(commit.source, (), is_partial=True), is_rebuild=True)
        assert full is not None
        assert same_files(full.commit.tables, commit)
        remove_snapshot(store, full.commit.snapshot)
