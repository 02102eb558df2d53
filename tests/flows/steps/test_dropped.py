"""After a drop the source is asked anew, although its version is the one that was dropped."""

from collections.abc import Callable, Iterator

import pytest

from flows.local.replica import Corpus, demo_documents
from flows.refresh import refresh
from flows.steps.bar import progress
from flows.steps.parameters import Choice
from lake.assemble.decide import decide
from lake.assemble.held import HeldDraft, expire, waiting
from lake.errors import HeldError
from lake.verdict import Act, Verdict
from tests.flows.chain import Chain, chain
from tests.flows.lakeside import error_of
from tests.lake.assemble.lakeside import changed, only, versioned, without

DOCUMENTS = only(demo_documents(), "ability")


@pytest.fixture(scope="module")
def dropping(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Chain]:
    with chain(s3_endpoint, "dropping", versioned(DOCUMENTS)) as one:
        one.tell("first", one.refresh)
        yield one


def in_a_run(one: Chain, held: HeldDraft) -> None:
    state = refresh(one.location, decide=Choice(draft=held.id, publish=False), return_state=True)
    assert str(state.message).startswith("dropped: ")


def alone(one: Chain, held: HeldDraft) -> None:
    """As `pokelake approve` does while Prefect is away."""
    decide(one.store, held, Verdict(held.id, Act.DROP, "Oak", "2026-11-27T16:00:00+00:00"), progress)


def by_nobody(one: Chain, held: HeldDraft) -> None:
    assert expire(one.store, held) is not None


@pytest.mark.parametrize("drop", [in_a_run, alone, by_nobody])
def test_a_source_that_was_repaired_under_the_same_version_is_published(
    dropping: Chain, drop: Callable[[Chain, HeldDraft], None]
):
    """What the dropped crawl kept would be taken for the source's answers: listings an hour long, documents a day."""
    name = drop.__name__
    broken = changed(without(DOCUMENTS, "ability/1", "ability/2"), "meta", tag=name)
    error_of(dropping.tell("broken", dropping.refresh, broken).ended, HeldError)
    held = waiting(dropping.store)
    assert held is not None
    drop(dropping, held)
    repaired = {**changed(DOCUMENTS, "ability/9", name=name), "meta": versioned(broken)["meta"]}
    dropping.running.switch(Corpus.from_documents(repaired))
    step = dropping.tell("repaired", dropping.refresh)
    assert (step.name, step.commit.source.version) == ("Completed", held.version)
    assert str(step.ended.message).startswith(f"published {step.commit.snapshot}: ")
    rows = dropping.lake.read("abilities", columns=["ability_id", "name"])
    assert (len(rows), rows.loc[rows["ability_id"] == 9, "name"].item()) == (len(DOCUMENTS) - 1, name)
