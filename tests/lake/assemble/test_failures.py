"""What a crawl could not fetch, did not find or did not ask for, and what another run published meanwhile."""

import pytest

from flows.local.replica import demo_documents
from lake.errors import ConflictError
from lake.publish import commit_snapshot
from lake.resource import Failure
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, changed, copied, only, without

PIKACHU, DITTO = [("pokemon_id", "==", 25)], [("pokemon_id", "==", 132)]


@pytest.fixture
def lake(store: Store) -> Lakeside:
    """Open an empty lake."""
    return Lakeside(store)


@pytest.fixture
def documents() -> Documents:
    """Return three Pokémon and all types, and what the source says of itself."""
    return only(demo_documents(), "pokemon", "type")


def test_a_document_that_cannot_be_fetched_keeps_its_last_good_version(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    later = changed(changed(documents, "pokemon/25", height=5), "pokemon/132", height=9)
    commit = lake.fill(later, failing={"pokemon/25"})
    assert commit.stale == (Failure("pokemon", 25, "pokemon/25", "status 503"),)
    assert commit.missing == ()
    heights = lake.lake.read("pokemon").set_index("pokemon_id")["height_dm"]
    assert (heights[25], heights[132]) == (4, 9)
    again = lake.fill(later)
    assert (again.seq, again.stale, again.missing) == (3, (), ())
    assert lake.lake.read("pokemon", PIKACHU)["height_dm"].tolist() == [5]


def test_a_document_that_never_came_is_missing_until_it_does(lake: Lakeside, documents: Documents):
    commit = lake.fill(documents, failing={"pokemon/25"})
    assert (commit.stale, commit.missing) == ((), (Failure("pokemon", 25, "pokemon/25", "status 503"),))
    again = lake.fill(documents, "pokemon", new_only=True)
    assert (again.changes["pokemon"]["added"], again.stale, again.missing) == (1, (), ())
    assert 25 in set(lake.lake.read("pokemon")["pokemon_id"])


def test_what_is_stale_stays_named_while_other_resources_are_crawled(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    later = changed(changed(documents, "pokemon/25", height=5), "type/1", name="plain")
    stale = lake.fill(later, failing={"pokemon/25"}).stale
    assert [failure.path for failure in stale] == ["pokemon/25"]
    assert lake.fill(changed(later, "type/1", name="normal"), "type").stale == stale


def test_what_is_stale_stays_named_where_its_listing_is_refused(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    later = changed(changed(documents, "pokemon/25", height=5), "type/1", name="plain")
    stale = lake.fill(later, failing={"pokemon/25"}).stale
    commit = lake.fill(changed(later, "type/1", name="normal"), refused={"pokemon": "status 403"})
    assert (commit.source.refused, commit.stale) == ({"pokemon": "status 403"}, stale)


def test_what_fails_again_is_named_once(lake: Lakeside, documents: Documents):
    lake.fill(documents, failing={"pokemon/25"})
    commit = lake.fill(changed(documents, "type/1", name="plain"), failing={"pokemon/25"})
    assert [failure.path for failure in commit.missing] == ["pokemon/25"]


def test_a_partial_crawl_asks_for_new_documents_only_and_leaves_named_what_is_stale(
    lake: Lakeside, documents: Documents
):
    lake.begin(documents)
    later = changed(changed(documents, "pokemon/25", height=5), "type/1", name="plain")
    lake.fill(later, failing={"pokemon/25"})
    new = copied(changed(later, "pokemon/132", height=9), "pokemon/132", 1_000_132, name="other-ditto")
    commit = lake.fill(new, "pokemon", new_only=True)
    assert [failure.path for failure in commit.stale] == ["pokemon/25"]
    assert commit.changes["pokemon"] == {"added": 1, "modified": 0, "deleted": 0, "reordered": 0}
    assert lake.lake.read("pokemon", DITTO)["height_dm"].tolist() == [3]
    assert commit.source.version is None


def test_a_document_that_is_unlisted_and_not_found_is_deleted(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    commit = lake.fill(without(documents, "pokemon/132"))
    assert commit.changes["pokemon"] == {"added": 0, "modified": 0, "deleted": 1, "reordered": 0}
    assert 132 not in set(lake.lake.read("pokemon")["pokemon_id"])
    assert 132 not in set(lake.lake.read("documents", [("resource", "==", "pokemon")])["id"])


def test_a_document_that_is_unlisted_but_still_there_stays(lake: Lakeside, documents: Documents):
    first = lake.begin(documents)
    assert lake.fill(documents, unlisted={"pokemon/132", "pokemon/25"}) == first
    assert len(lake.lake.read("pokemon")) == 3


def test_a_document_that_is_unlisted_and_cannot_be_fetched_stays_and_is_stale(lake: Lakeside, documents: Documents):
    lake.begin(documents)
    later = changed(without(documents, "pokemon/132"), "type/1", name="plain")
    commit = lake.fill(later, failing={"pokemon/132"})
    assert [failure.path for failure in commit.stale] == ["pokemon/132"]
    assert len(lake.lake.read("pokemon")) == 3


def test_the_loser_of_a_race_takes_its_documents_to_the_new_head(lake: Lakeside, documents: Documents):
    """What it carried at first were the tables of the parent that both began from."""
    before = lake.begin(documents)
    crawled = lake.crawl(changed(documents, "pokemon/25", height=5), "pokemon")
    winner = lake.fill(changed(documents, "type/1", name="rival"), "type")
    lost = lake.draft(crawled, before)
    assert lost is not None
    assert lost.commit.tables["types"].files == before.tables["types"].files
    with pytest.raises(ConflictError):
        commit_snapshot(lake.store, lost.commit)
    assert lake.commit == winner
    last = lake.publish(crawled)
    assert (last.seq, last.parent) == (3, winner.snapshot)
    assert last.tables["types"].files == winner.tables["types"].files
    assert lake.lake.read("types", [("type_id", "==", 1)])["name"].tolist() == ["rival"]
    assert lake.lake.read("pokemon", PIKACHU)["height_dm"].tolist() == [5]


def test_what_failed_in_the_loser_of_a_race_and_the_winner_has_is_stale(lake: Lakeside, documents: Documents):
    first = lake.begin(without(documents, "pokemon/25"))
    later = changed(documents, "type/1", name="plain")
    crawled = lake.crawl(later, "pokemon", "type", failing={"pokemon/25"})
    alone = lake.draft(crawled, first)
    assert alone is not None
    assert [failure.path for failure in alone.commit.missing] == ["pokemon/25"]
    lake.fill(documents, "pokemon")
    commit = lake.publish(crawled)
    assert ([failure.path for failure in commit.stale], commit.missing) == (["pokemon/25"], ())
