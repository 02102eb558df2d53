"""One odd document never stops the rest: it keeps its last good version, or is named as missing."""

import json
import re
from typing import Any

import pytest

from flows.local.replica import demo_documents
from lake.assemble.draft import Crawled
from lake.commit import Commit
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, audits, changed, copied, hashes, only, without

PIKACHU = [("pokemon_id", "==", 25)]


@pytest.fixture(scope="module")
def documents() -> Documents:
    """Return three Pokémon, their species, all types and the trees of evolutions of a source without versions."""
    return without(only(demo_documents(), "pokemon", "pokemon-species", "type", "evolution-chain"), "meta")


@pytest.fixture
def lake(store: Store) -> Lakeside:
    """Open an empty lake."""
    return Lakeside(store)


def member(documents: Documents, path: str, name: str) -> Any:
    return json.loads(documents[path])[name]


def with_text(documents: Documents, path: str, old: str, new: str) -> Documents:
    """Return the documents with a piece of one's JSON replaced, which need not stay what Python can write."""
    assert old in documents[path].decode()
    return {**documents, path: documents[path].decode().replace(old, new, 1).encode()}


def stale(commit: Commit) -> list[str]:
    return [failure.path for failure in commit.stale]


def odd_ones(documents: Documents) -> dict[str, Documents]:
    """Return the documents with one Pokémon that no table can take, by what is odd about it."""
    types, stats = member(documents, "pokemon/25", "types"), member(documents, "pokemon/25", "stats")
    abroad = {"name": "hp", "url": "https://example.com/api/v2/stat/1/"}
    return {
        "a key twice": changed(documents, "pokemon/25", types=[*types, {**types[0], "type": {"url": "/type/1/"}}]),
        "a null in a list of keys": changed(documents, "pokemon/25", types=[None, *types]),
        "a null in a list of numbered rows": changed(documents, "pokemon/25", forms=[None]),
        "a list of another type": changed(documents, "pokemon/25", forms=["pikachu"]),
        "a null deep in lists": changed(documents, "pokemon/25", moves=[{"version_group_details": [None]}]),
        "a key at another host": changed(documents, "pokemon/25", stats=[{**stats[0], "stat": abroad}]),
        "another id": changed(documents, "pokemon/25", id=26),
        "no id": changed(documents, "pokemon/25", id=None),
        "an id beyond all bounds": with_text(documents, "pokemon/25", '"id":25', '"id":1e400'),
        "a list": {**documents, "pokemon/25": b"[]"},
        "no JSON": {**documents, "pokemon/25": b'{"id":25,'},
        "nested too deep": {**documents, "pokemon/25": b'{"id":25,"forms":' + b"[" * 99_999 + b"]" * 99_999 + b"}"},
    }


# What Arrow cannot read, and then it reads no document of the same batch.
UNREADABLE = {"a list of another type", "an id beyond all bounds", "a list", "no JSON", "nested too deep"}


def test_odd_documents_keep_their_last_good_versions_and_the_rest_is_published(lake: Lakeside, documents: Documents):
    whole, odd = documents, {}
    for id_, (what, found) in enumerate(odd_ones(documents).items(), 1001):
        whole = copied(whole, "pokemon/25", id_, name=f"pikachu-{id_}")
        odd[f"pokemon/{id_}"] = what, re.sub(rb'"id": ?25\b', b'"id":%d' % id_, found["pokemon/25"])
    before = lake.begin(whole)
    for is_readable in (True, False):
        now = {path: body for path, (what, body) in odd.items() if (what not in UNREADABLE) == is_readable}
        commit = lake.fill(changed(whole | now, "type/13", name=f"electric-{is_readable}"))
        assert {path: odd[path][0] for path in stale(commit)} == {path: odd[path][0] for path in now}
        assert commit.missing == ()
        assert commit.changes["type"]["modified"] == 1
        assert commit.changes["pokemon"]["modified"] == 0
        assert {name: hash_ for name, hash_ in hashes(commit).items() if "pokemon" in name} == {
            name: hash_ for name, hash_ in hashes(before).items() if "pokemon" in name
        }


def test_the_reason_stands_in_the_commit(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    odd = odd_ones(documents)["a key twice"]
    [failure] = lake.fill(changed(odd, "type/13", name="electrical")).stale
    assert failure.reason == (
        "types[]: expected keys that are there once in pokemon_types, found (pokemon_id=25, slot=1),"
        " (pokemon_id=25, slot=1)"
    )


def test_an_odd_document_without_an_older_version_is_missing(lake: Lakeside, documents: Documents):
    commit = lake.fill(odd_ones(documents)["a key twice"])
    assert [failure.path for failure in commit.missing] == ["pokemon/25"]
    assert lake.lake.read("pokemon")["pokemon_id"].tolist() == [132, 10100]
    assert stale(lake.fill(documents)) == []
    assert len(lake.lake.read("pokemon", PIKACHU)) == 1


def test_an_odd_document_alone_publishes_nothing_and_is_named_each_time(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    for _ in range(2):
        assert lake.draft(lake.crawl(odd_ones(documents)["another id"])) is None
        assert [failure.path for failure in lake.rejected] == ["pokemon/25"]


def test_an_odd_species_leaves_the_generations_as_they_were(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    odd = changed(documents, "pokemon-species/25", varieties=[None], generation=None)
    commit = lake.fill(changed(odd, "pokemon/25", height=5))
    assert stale(commit) == ["pokemon-species/25"]
    [row] = lake.lake.read("pokemon", PIKACHU).to_dict("records")
    assert (row["height_dm"], row["generation_id"]) == (5, 1)


def test_two_documents_with_one_id_do_not_meet_in_a_table(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    twin = copied(documents, "pokemon/132", 133, height=7)
    twin["pokemon/133"] = twin["pokemon/133"].replace(b'"id": 133', b'"id": 132')
    commit = lake.fill(changed(twin, "pokemon/25", height=5))
    assert [failure.path for failure in commit.missing] == ["pokemon/133"]
    assert lake.lake.read("pokemon", [("pokemon_id", "==", 132)])["height_dm"].tolist() == [3]


def test_what_stands_in_a_field_that_no_table_has_never_matters(lake: Lakeside, documents: Documents):
    before = lake.begin(documents)
    for odd in ("1e400", "9" * 5000, r'"\ud800"', r'{"\udfff":[null]}', "[" * 90 + "]" * 90, '"\x7f"'):
        commit = lake.fill(with_text(documents, "pokemon/25", '"id":25', f'"id":25,"odd":{odd}'))
        assert (commit.stale, commit.missing) == ((), ())
        tables = {name: hash_ for name, hash_ in hashes(before).items() if not name.startswith("document")}
        assert {name: hashes(commit)[name] for name in tables} == tables
        assert ("new-field", "pokemon") in audits(commit)


def test_a_rebuild_is_not_stopped_by_what_earlier_versions_kept(
    lake: Lakeside, documents: Documents, monkeypatch: pytest.MonkeyPatch
):
    """An earlier version may have had no table for a list, and then nobody looked at its keys."""
    odd = odd_ones(documents)["a key twice"]
    with monkeypatch.context() as patch:
        patch.setattr("lake.assemble.draft.rejected_documents", lambda *given: ())
        kept = lake.fill({**odd, "pokemon/132": odd_ones(documents)["another id"]["pokemon/25"]})
    draft = lake.draft(Crawled(kept.source, (), is_partial=True), is_rebuild=True)
    assert draft is not None
    assert hashes(draft.commit) == hashes(kept)
    assert {finding.level.value for finding in draft.findings} == {"warn"}
    found = [finding.message for finding in draft.findings if finding.rule == "left-out"]
    assert sorted(message.rpartition("; ")[2] for message in found) == [
        "what does not fit is left out of 1 document: 132",
        "what does not fit is left out of 1 document: 25",
    ]
