"""The messages of decided drafts, filled in as Prefect's server does: when it was decided, by whom, and why."""

import re
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from prefect.events import Event
from prefect.server.utilities.user_templates import render_user_template_sync

import flows.steps.events
from flows.deploy.automations import message
from flows.steps.events import DRAFT_ENDED
from flows.steps.held import clean_drafts
from flows.steps.parameters import LakeLocation
from lake.assemble.decide import decide
from lake.assemble.held import HeldDraft
from lake.store import Store
from lake.verdict import Act, Verdict
from tests.lake.assemble.holding import held_in

WHY = "half of the source is down"


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Collect the events that are emitted."""
    emitted: list[Event] = []
    monkeypatch.setattr(
        flows.steps.events,
        "emit_event",
        lambda event, resource, payload: emitted.append(Event(event=event, resource=resource, payload=payload)),
    )
    return emitted


@pytest.fixture
def held(store: Store) -> HeldDraft:
    """Hold a draft in which most abilities are gone."""
    return held_in(store)


def said(event: Event) -> str:
    """Return the first line of the message about an event."""
    body = message.draft().to(UUID(int=0)).body
    return render_user_template_sync(body, {"event": event, "flow_run": None}).splitlines()[0]


def ended(**payload: Any) -> str:
    """Return what the message says after the name of the lake, of a draft that ended so."""
    facts = {"draft": "D", "lake": "L", "at": "2026-11-27 20:06 UTC", "reason": WHY, **payload}
    event = Event(event=DRAFT_ENDED, resource={"prefect.resource.id": "pokelake.draft.D"}, payload=facts)
    return said(event).removeprefix("The held draft D of L was ")


def test_what_was_decided_while_prefect_was_away_is_told_with_the_time_and_the_name_of_the_verdict(
    store: Store, held: HeldDraft, events: list[Event]
):
    verdict = Verdict(held.id, Act.DROP, "anna", "2026-11-27T21:06:59+01:00", WHY)
    decide(store, held, verdict, SimpleNamespace())  # type: ignore[arg-type]
    clean_drafts(LakeLocation(bucket=store.bucket, prefix=store.prefix.rstrip("/")))
    [event] = events
    assert said(event) == (
        f"The held draft {held.id} of {store.uri()} was dropped at 2026-11-27 20:06 UTC by anna: {WHY}"
    )


def test_an_ending_that_no_person_decided_names_none():
    assert ended(outcome="published", by="anna") == f"published at 2026-11-27 20:06 UTC by anna: {WHY}"
    assert ended(outcome="expired", by="pokelake") == f"expired at 2026-11-27 20:06 UTC: {WHY}"
    after = f"held again, after it was decided at 2026-11-27 20:06 UTC by anna: {WHY}"
    assert ended(outcome="held again", by="anna") == after


def test_a_run_of_an_earlier_version_tells_the_time_of_its_event():
    assert re.fullmatch(r"dropped at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", ended(outcome="dropped", at=None, reason=""))


@pytest.mark.parametrize("at", ["yesterday", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_told_as_it_stands(events: list[Event], at: str):
    verdict = Verdict("20260808T041200Z-1f3a9c02", Act.DROP, "anna", at)
    flows.steps.events.report_draft_ended("s3://lake/", verdict.draft, "dropped", verdict)
    assert said(events[0]).endswith(f" was dropped at {at} by anna.")
