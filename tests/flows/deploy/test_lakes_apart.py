"""The automations of two lakes: each fires for its own lake alone, and its messages name commands on it."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from blocks.names import FIRST, Names, check_lake
from flows.deploy.automations import automations
from flows.steps import events
from lake.errors import LakeError

if TYPE_CHECKING:
    # To import them takes more than a second, which only who runs these tests spends.
    from prefect.server.events.schemas.automations import EventTrigger
    from prefect.server.events.schemas.events import ReceivedEvent

MOON = Names("moon")
PLACES = {FIRST: "s3://lake/", MOON: "s3://lake/moon/"}

# What runs and deployments of a lake say, and the flow that it is about.
SAID = {
    "prefect.flow-run.Crashed": "refresh",
    "prefect.flow-run.Failed": "refresh",
    "prefect.flow-run.Pending": "discover",
    "prefect.flow-run.Running": "maintain",
    "prefect.flow-run.heartbeat": "refresh",
    events.DOCUMENTS_PROGRESS: "discover",
    events.MAY_GO_WELL: "refresh",
    events.LAKE_CURRENT: "refresh",
    events.DRAFT_HELD: "refresh",
    events.DRIFT_FOUND: "refresh",
    "prefect.deployment.not-ready": "refresh",
}


def watching(names: Names) -> dict[str, "EventTrigger"]:
    """Return what each automation of a lake waits for, as the server reads it."""
    from prefect.server.events.schemas.automations import EventTrigger

    wanted = automations(PLACES[names], blocks=[UUID(int=0)], names=names)
    return {item.name: EventTrigger.model_validate(item.trigger.model_dump(mode="json")) for item in wanted}


def said(names: Names, event: str, flow: str) -> "ReceivedEvent":
    """Return an event as a run of a lake's deployment emits it."""
    from prefect.server.events.schemas.events import ReceivedEvent

    about = {
        events.LAKE_CURRENT: f"pokelake.lake.{PLACES[names]}",
        events.DRAFT_HELD: "pokelake.draft.20260808T041200Z-1f3a9c02",
        events.DRIFT_FOUND: "pokelake.snapshot.20260808T041200Z-1f3a9c02",
        "prefect.deployment.not-ready": f"prefect.deployment.{UUID(int=2)}",
    }.get(event, f"prefect.flow-run.{UUID(int=1)}")
    deployment = names.own(flow)
    resource = {"prefect.resource.id": about, "prefect.state-type": "ANY", "prefect.run-count": "1"}
    resource |= {"prefect.resource.name": deployment} if "deployment" in event else {}
    resource |= {events.LAKE: PLACES[names]} if event == events.DRAFT_HELD else {}
    related: list[dict[str, str]] = [
        {"prefect.resource.id": f"prefect.tag.{names.tag}", "prefect.resource.role": "tag"},
        {
            "prefect.resource.id": f"prefect.deployment.{UUID(int=2)}",
            "prefect.resource.role": "deployment",
            "prefect.resource.name": deployment,
        },
        {
            "prefect.resource.id": f"prefect.flow.{UUID(int=3)}",
            "prefect.resource.role": "flow",
            "prefect.resource.name": flow,
        },
    ]
    given: dict[str, Any] = {"event": event, "resource": resource, "related": related}
    return ReceivedEvent.model_validate({**given, "occurred": "2026-08-08T04:12:00Z", "id": str(UUID(int=9))})


def test_what_happens_in_one_lake_starts_nothing_of_the_other():
    found = {}
    for names, other in ((FIRST, MOON), (MOON, FIRST)):
        of_lake = {event: said(names, event, flow) for event, flow in SAID.items()}
        for owner in (names, other):
            found[names, owner] = {
                (name.removesuffix(owner.suffix), event)
                for name, trigger in watching(owner).items()
                for event, happened in of_lake.items()
                if trigger.covers(happened) and event in {*trigger.after, *trigger.expect}
            }
    assert found[FIRST, FIRST] == found[MOON, MOON]
    assert {event for _, event in found[FIRST, FIRST]} == set(SAID)
    assert found[FIRST, MOON] == found[MOON, FIRST] == set()


def test_a_second_lakes_automations_and_commands_have_its_name():
    wanted = automations(PLACES[MOON], blocks=[UUID(int=0)], names=MOON)
    assert all(item.name.endswith("-moon") and item.tags == ["pokelake-moon"] for item in wanted)
    text = "\n".join(item.model_dump_json() for item in wanted)
    assert "pokelake doctor --bucket lake --prefix moon --lake moon" in text
    assert "prefect deployment schedule ls discover/discover-moon" in text
    assert "pokelake setup --lake moon --memory 4096" in text


@pytest.mark.parametrize("name", ["Moon", "moon base", "moon-", "pokelake-results", "", "m" * 41])
def test_a_lake_of_which_prefect_could_not_tell_what_belongs_to_it_is_refused(name: str):
    with pytest.raises(LakeError, match="--lake"):
        check_lake(name)
