"""What a run says at its end when it published nothing, found out without Prefect."""

from dataclasses import replace

from msgspec import structs

from flows.steps.outcome import ended, finished, spoken
from flows.steps.publish import Publication
from lake.assemble.draft import Crawled
from lake.assemble.staging import Manifest
from lake.commit import DataFile, SourceFacts, TableFiles
from lake.resource import Failure
from tests.flows.conftest import LOCATION
from tests.hostile import ODD, unseen
from tests.lake.commits import COMMIT

HELD = ("weather", "gender", "imprint", "item", "type")
FILES = tuple(DataFile(f"resource={name}/part-0.parquet", name, 1, 1, "a" * 64) for name in HELD)
PARENT = replace(COMMIT, tables={"documents": TableFiles("resource", FILES, ())})
FACTS = SourceFacts(listed=("berry", "item", "type"), refused={"type": "status 403", "item": "status 400"})


def failed(*ids: int) -> Manifest:
    failures = tuple(Failure("type", id_, f"type/{id_}", "status 503") for id_ in ids)
    counts = {"number": 0, "last_id": 99, "documents": 0, "json_bytes": 0, "unchanged": 0, "requests": 0}
    return Manifest(resource="type", **counts, gone=(), failed=failures, versions={}, round=2)


def test_collections_that_are_gone_or_were_not_crawled_are_named_in_order_with_the_reason():
    state = finished(LOCATION, Publication(PARENT, is_new=False), Crawled(FACTS, ()), ())
    assert (state.name, spoken(state)[0]) == ("Completed", "Partial")
    gone = f"; not listed any longer: gender, imprint, weather; readers see {PARENT.snapshot}"
    kept = "; 2 collections not crawled, and kept as before: item (status 400); type (status 403)"
    assert spoken(state)[1] == f"no change{gone}{kept}"


def test_where_nothing_is_gone_nothing_is_said_of_it():
    facts = SourceFacts(listed=HELD)
    state = finished(LOCATION, Publication(PARENT, is_new=False), Crawled(facts, ()), ())
    assert str(state.message).count(";") == 1


def test_of_many_documents_that_failed_ten_are_named():
    crawled = Crawled(SourceFacts(listed=HELD), (failed(*range(1, 13)),))
    state = finished(LOCATION, Publication(PARENT, is_new=False), crawled, ())
    assert spoken(state)[0] == "Partial"
    named = ", ".join(f"type/{id_}" for id_ in range(1, 11))
    assert str(state.message).endswith(f"; readers see {PARENT.snapshot}; 12 could not be fetched: {named}")


def test_odd_names_are_escaped_and_cut_in_the_state_of_a_run():
    """It becomes a line of a log as well, which a name with a line break would forge."""
    odd = "".join(ODD) + "x" * 1_000_000
    facts = SourceFacts(listed=(), refused={odd: odd})
    manifest = structs.replace(failed(1), failed=(Failure("type", 1, odd, odd),))
    state = finished(LOCATION, Publication(PARENT, is_new=False), Crawled(facts, (manifest,)), ())
    message = str(state.message)
    assert len(message) < 2_000
    assert unseen(message) == set()
    assert "\n" not in message
    assert len(str(ended(odd).message)) <= 10_000
