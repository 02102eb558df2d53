"""What a crawl starts from, found out without Prefect: is the version known, and what is to be crawled?"""

from dataclasses import replace
from unittest.mock import Mock

import pytest

import lake.tables
from flows.local.replica import demo_documents
from flows.steps.start import Start, look, resources_of
from lake.assemble.restore import write_restored
from lake.commit import Commit
from lake.crawl import Listing, Source, Upstream
from lake.errors import SourceError, UnknownNameError
from lake.layout import CHECKS, RESULTS
from lake.publish import commit_snapshot
from lake.resource import Failure, Reference
from lake.store import Store
from lake.verdict import Restored
from tests.lake import keys
from tests.lake.assemble.lakeside import SOURCE, Documents, Lakeside, changed, only

FAILURE = Failure("type", 1, "type/1", "status 503")


@pytest.fixture
def documents() -> Documents:
    return only(demo_documents(), "type")


@pytest.fixture
def commit(store: Store, documents: Documents) -> Commit:
    """Fill the lake with all types."""
    return Lakeside(store).begin(documents)


@pytest.fixture
def begun(store: Store, commit: Commit) -> Start:
    """Start a crawl of what the lake holds already."""
    upstream = Upstream(commit.source.version, {name: f"{SOURCE.base_url}{name}/" for name in ("meta", "type")})
    return look(store, SOURCE, upstream)


def test_a_version_is_known_when_the_lake_holds_all_of_it_whole(begun: Start, commit: Commit):
    assert (begun.parent, begun.resources) == (commit, ("meta", "type"))
    assert begun.is_known()
    assert replace(begun, resources=("type",)).is_known()


def test_no_version_is_known_after_a_restore_until_a_refresh_has_asked_for_everything(
    begun: Start, store: Store, commit: Commit, documents: Documents
):
    """Not that of the restored snapshot, although its crawl was recorded, nor that of the one that was taken back."""
    begun.note_equal()
    lake = Lakeside(store)
    bad = lake.fill(changed(documents, "type/1", name="plain"))
    taken_back = look(store, SOURCE, replace(begun.upstream, version=bad.source.version))
    taken_back.note_equal()
    assert taken_back.is_known()
    note = Restored(commit.snapshot, "misty", "the first type has another name")
    restored = write_restored(store, "20261127T000000Z-1f3a9c02", commit, bad, note, {})
    assert restored is not None
    commit_snapshot(store, restored)
    for version in (commit.source.version, bad.source.version):
        after = look(store, SOURCE, replace(begun.upstream, version=version))
        assert after.parent == restored
        assert not after.is_known()
    after.note_equal()
    assert after.is_known()


def test_a_version_is_not_known_where_anything_may_differ(begun: Start, monkeypatch: pytest.MonkeyPatch):
    parent = begun.parent
    assert parent is not None
    others = {
        "first": replace(begun, parent=None),
        "no version": replace(begun, upstream=replace(begun.upstream, version=None)),
        "other version": replace(begun, upstream=replace(begun.upstream, version="other")),
        "other source": replace(begun, source=Source("https://other.test/api/v2/")),
        "more resources": replace(begun, resources=("meta", "type", "item")),
        "stale": replace(begun, parent=replace(parent, stale=(FAILURE,))),
        "missing": replace(begun, parent=replace(parent, missing=(FAILURE,))),
        "refused": replace(begun, parent=replace(parent, source=replace(parent.source, refused={"type": "403"}))),
        "other code": replace(begun, parent=replace(parent, fingerprint="0123456789abcdef")),
    }
    assert [name for name, other in others.items() if other.is_known()] == []


def test_an_entry_of_the_root_that_no_run_can_crawl_does_not_make_each_run_ask_for_everything(begun: Start):
    parent, odd = begun.parent, {"../x": "expected a name"}
    assert parent is not None
    named = replace(begun, parent=replace(parent, source=replace(parent.source, refused=odd)))
    assert not named.is_known()
    assert replace(named, upstream=replace(named.upstream, odd=odd)).is_known()


def test_a_version_that_was_found_equal_is_known_from_then_on(begun: Start, store: Store):
    other = replace(begun, upstream=replace(begun.upstream, version="other"))
    other.note_equal()
    assert other.is_known()
    assert len(keys(store, CHECKS)) == 1
    others = [
        replace(other, upstream=replace(begun.upstream, version="third")),
        replace(other, source=Source("https://other.test/api/v2/")),
        replace(other, resources=("type",)),
    ]
    assert not any(one.is_known() for one in others)


def test_an_object_in_the_place_of_a_record_is_not_believed_and_stops_nothing(
    begun: Start, store: Store, monkeypatch: pytest.MonkeyPatch
):
    other = replace(begun, upstream=replace(begun.upstream, version="other"))
    other.note_equal()
    [key] = keys(store, CHECKS)
    for body in (b"", b"<html>", b"[" * 100_000, store.get(key) + b" "):
        store.delete([key])
        store.create(key, body)
        assert not other.is_known()
        said = Mock()
        monkeypatch.setattr("flows.steps.start.get_run_logger", lambda log=said: log)
        other.note_equal()
        text, uri = said.warning.call_args.args
        assert (text % uri).startswith(f"remove s3://lake/pokelake/{key}: ")
        assert store.get(key) == body


def test_what_other_code_found_equal_is_not_known(begun: Start, monkeypatch: pytest.MonkeyPatch):
    other = replace(begun, upstream=replace(begun.upstream, version="other"))
    other.note_equal()
    monkeypatch.setattr(lake.tables, "fingerprint", lambda *_: "0123456789abcdef")
    assert not other.is_known()


def test_without_a_version_or_a_snapshot_nothing_is_noted(begun: Start, store: Store):
    replace(begun, upstream=replace(begun.upstream, version=None)).note_equal()
    replace(begun, parent=None).note_equal()
    assert keys(store, CHECKS) == set()


def test_a_lake_of_another_kind_of_source_is_refused(store: Store, commit: Commit):
    """The tables of that source would be gone from the next snapshot."""
    with pytest.raises(SourceError) as caught:
        look(store, Source("https://league.test/v1/", "rest"), Upstream(None, {}))
    assert "expected a source of kind 'pokeapi'" in str(caught.value)
    assert "https://league.test/v1/" in str(caught.value)
    assert "pokelake setup --prefix" in str(caught.value)


def test_all_that_the_source_lists_is_crawled_or_what_the_settings_name(commit: Commit):
    upstream = Upstream(None, dict.fromkeys(("type", "item", "berry"), ""))
    assert resources_of(SOURCE, upstream, commit) == ("berry", "item", "type")
    assert resources_of(replace(SOURCE, resources=("item", "berry")), upstream, None) == ("item", "berry")


def test_a_resource_that_the_source_lists_no_longer_is_left_out_and_an_unknown_one_refused(commit: Commit):
    upstream = Upstream(None, {"item": ""})
    assert resources_of(replace(SOURCE, resources=("type", "item")), upstream, commit) == ("item",)
    assert resources_of(replace(SOURCE, resources=("type",)), upstream, commit) == ()
    with pytest.raises(UnknownNameError, match="no resource 'pokemons'; there are: item"):
        resources_of(replace(SOURCE, resources=("pokemons",)), upstream, commit)


def listing(*ids: int, refusal: str | None = None) -> Listing:
    references = tuple(Reference("type", id_, f"{SOURCE.base_url}type/{id_}/", f"type/{id_}") for id_ in ids)
    return Listing("type", references, refusal=refusal)


def test_what_is_at_hand_and_not_listed_vanished_unless_the_listing_was_refused(begun: Start):
    listed = [id_ for id_ in begun.at_hand("type") if id_ not in (1, 13)]
    _, shards, vanished, anew = begun.shards([listing(*listed, 99)])
    assert (vanished, anew) == (["type/1", "type/13"], frozenset())
    assert {item.reference.id for shard in shards for item in shard.wanted} == {*listed, 1, 13, 99}
    _, new, vanished, _ = begun.shards([listing(*listed, 99)], is_new_only=True)
    assert ([item.reference.id for shard in new for item in shard.wanted], vanished) == ([99], ["type/1", "type/13"])
    refused = listing(refusal="status 403")
    assert begun.shards([refused]) == ([refused], [], [], frozenset())


def test_a_listing_that_cannot_be_one_is_read_anew_the_next_time(begun: Start, store: Store):
    store.create(f"{RESULTS}listings/1", b"{}")
    store.create(f"{RESULTS}shards/1", b"{}")
    page = Listing("type", (Reference("type", 0, f"{SOURCE.base_url}type/", "type"),))
    [refused], shards, vanished, _ = begun.shards([page])
    assert (shards, vanished) == ([], [])
    assert str(refused.refusal).startswith("listing of type: expected a listing, as before, found one object")
    assert keys(store, RESULTS) == {f"{RESULTS}shards/1"}
