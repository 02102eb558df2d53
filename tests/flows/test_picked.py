"""Refreshes that ask for more or for less than what may have changed: everything anew, or single documents."""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from flows.local.replica import demo_documents
from flows.refresh import refresh
from lake.errors import SourceError, UnknownNameError
from lake.layout import CHECKS
from tests.flows.chain import Chain, Step, chain
from tests.flows.lakeside import error_of
from tests.lake.assemble.lakeside import changed, only, versioned, without

FIRST = only(demo_documents(), "evolution-chain", "pokemon", "pokemon-form", "pokemon-species", "type")
OWN = {"pokemon/25", "pokemon/25/encounters", "pokemon-species/25", "evolution-chain/10"}
FORMS = {path for path in FIRST if path.startswith("pokemon-form/")}
SECOND = changed(changed(FIRST, "pokemon/25", height=5), "type/1", name="second")
# Pikachu, its species and a type changed.
LATER = changed(
    changed(changed(SECOND, "pokemon/25", height=6), "pokemon-species/25", base_happiness=7), "type/1", name="later"
)


@pytest.fixture(scope="module")
def told(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Chain]:
    with chain(s3_endpoint, "picked", versioned(FIRST)) as one:
        tell = one.tell
        forced = partial(refresh, one.location, one.choice(), force=True, return_state=True)
        tell("first", one.refresh)
        tell("same version", one.refresh, resources=("pokemon/25",))
        tell("known", one.refresh)
        tell("forced", forced)
        tell("forced again", forced)
        failing = [{"kind": "status", "status": 500, "path": "^pokemon/25$"}]
        tell("failed", one.refresh, SECOND, faults=failing)
        tell("mended", one.refresh, resources=("pokemon/25",))
        tell("picked", one.refresh, LATER, resources=("pokemon/25",))
        tell("rest", one.refresh)
        third = without(changed(LATER, "type/2", name="third"), "pokemon/132", "pokemon/132/")
        tell("gone", one.refresh, third, resources=("pokemon/132", "type/2"))
        for name, *paths in (("unknown", "pokemon/404"), ("mixed", "pokemon", "type/1"), ("odd", "pokemon/../type/1")):
            tell(name, one.refresh, resources=tuple(paths))
        yield one


def documents(step: Step) -> set[str]:
    """Return the documents that a run asked for."""
    return {path for path in step.asked if path in FIRST}


def member(told: Chain, step: Step, resource: str, id_: int, name: str) -> object:
    """Return a member of a document in the snapshot that a run left."""
    return json.loads(told.lake.document(resource, id_, as_of=step.commit.snapshot))[name]


def test_one_pokemon_is_asked_for_with_what_belongs_to_it_and_nothing_else(told: Chain):
    asked = documents(told["same version"])
    assert asked >= OWN
    assert asked - OWN <= FORMS
    assert asked & FORMS
    # Without a change, the version that the lake was known to have stays known.
    assert told["same version"].commit == told["first"].commit
    assert documents(told["known"]) == set()


def test_everything_else_is_carried_over(told: Chain):
    picked, before = told["picked"], told["mended"]
    assert picked.commit.seq == before.commit.seq + 1
    assert dict(picked.commit.totals()) == {"added": 0, "modified": 2, "deleted": 0, "reordered": 0}
    assert (member(told, picked, "pokemon", 25, "height"), member(told, picked, "type", 1, "name")) == (6, "second")
    # What was not asked for is older than the version that the source has now, so the next run asks for all.
    assert picked.commit.source.version is None
    assert documents(told["rest"]) == FIRST.keys() - {"meta"}
    assert member(told, told["rest"], "type", 1, "name") == "later"


def test_a_document_that_failed_is_stale_until_somebody_picks_it_again(told: Chain):
    assert [failure.path for failure in told["failed"].commit.stale] == ["pokemon/25"]
    mended = told["mended"].commit
    assert mended.stale == ()
    # Everything else was crawled at the same version.
    assert mended.source.version == told["failed"].commit.source.version
    assert mended.source.resources == told["failed"].commit.source.resources


def test_a_forced_refresh_asks_for_every_document_without_etags(told: Chain):
    for name in ("forced", "forced again"):
        assert documents(told[name]) == FIRST.keys() - {"meta"}
        assert {status for path in documents(told[name]) for status in told[name].counters["by_path"][path]} == {"200"}
        assert told[name].commit == told["first"].commit
    assert any(key.startswith(CHECKS) for key in told["forced"].keys)


def test_a_picked_document_that_is_gone_is_deleted(told: Chain):
    commit = told["gone"].commit
    assert commit.changes["pokemon"]["deleted"] == 1
    assert commit.changes["pokemon-encounters"]["deleted"] == 1
    assert commit.changes["type"]["modified"] == 1


def test_what_cannot_be_picked_is_refused_by_name(told: Chain):
    assert "no document 'pokemon/404'; there are: pokemon/" in str(error_of(told["unknown"].ended, UnknownNameError))
    assert "found both, ['pokemon', 'type/1']" in str(error_of(told["mixed"].ended, SourceError))
    assert "such as pokemon/25, found 'pokemon/../type/1'" in str(error_of(told["odd"].ended, SourceError))
