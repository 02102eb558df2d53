"""Runs of a deployment that are held back: one is dropped by the form, and one expires, and a third decides for it."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.states import Suspended

from flows.local.replica import Corpus, replica
from lake.commit import head
from tests.flows.deploy.conftest import Deployed
from tests.flows.deploy.in_process import InProcess, cleaned
from tests.lake.assemble.holding import fewer, full
from tests.lake.assemble.lakeside import versioned
from tests.waiting import until

HELD = ("rejected", "expired")


@pytest.fixture
def machine(deployed: Deployed, client: SyncPrefectClient) -> Iterator[InProcess]:
    """Let the source lose most abilities, which two lakes have."""
    with (
        replica(Corpus.from_documents(versioned(fewer()))) as source,
        cleaned(InProcess(deployed, client, {"base_url": source.url, "resources": ["ability"]})) as found,
    ):
        for name in HELD:
            full(found.store(name))
        yield found


def test_a_run_that_waits_is_dropped_by_the_form_and_one_that_expired_is_decided_by_another(
    machine: InProcess, pokelake: Callable[..., str]
):
    """All are of a queue that lets one run at a time: what is suspended does not count."""
    runs: dict[str, UUID] = {}
    for name in HELD:
        run = runs[name] = machine.start("refresh", lake={"bucket": "lake", "prefix": name}, source=machine.source)
        assert run in machine.offered()
        assert machine.run(run).name == "Suspended"
    # The server fails what is suspended for too long, and the draft is still there.
    machine.client.set_flow_run_state(runs["expired"], Suspended(timeout_seconds=1, pause_key="late"), force=True)
    answer = {"verdict": "drop", "by": "Oak", "reason": "the source is wrong"}
    machine.client.resume_flow_run(runs["rejected"], run_input=answer)
    state = machine.run(runs["rejected"])
    assert state.is_completed()
    assert str(state.message).endswith(" (the source is wrong), by Oak")

    state = until(lambda: machine.client.read_flow_run(runs["expired"]).state, enough=lambda state: state.is_final())
    assert (state.name, state.message) == ("Failed", "The flow was paused and never resumed.")
    said = pokelake("approve", "--bucket", "lake", "--prefix", "expired", "--all", "--by", "Elm")
    assert "the run that held it is failed; started another one" in said
    [decided] = [run.id for run in machine.runs("refresh") if run.parameters.get("decide")]
    state = machine.run(decided)
    assert state.is_completed()
    assert str(state.message).endswith("; as decided by Elm")
    heads = [head(machine.store(name)) for name in HELD]
    assert [commit.verdict.by if commit and commit.verdict else None for commit in heads] == [None, "Elm"]
