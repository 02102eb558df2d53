"""Saving the automations on a real server: what is created, changed, left and deleted, and whom they tell."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient

from flows.deploy.automations import (
    REPORT_AUTOMATION,
    Patience,
    Told,
    automations,
    delete_automations,
    find_told,
    read_told,
    save_automations,
)
from lake.errors import LakeError, UnknownNameError
from tests.prefect_servers import without_automations

LAKE = "s3://lake/"
HOOK = "custom-webhook/oncall"

ACTING = [f"automation/{automation.name}" for automation in automations(LAKE)]
ALL = [f"automation/{automation.name}" for automation in automations(LAKE, blocks=[UUID(int=0)])]


@pytest.fixture
def client(prefect_server: dict[str, str]) -> Iterator[SyncPrefectClient]:
    """Talk to a server that has no automation of ours, and leave it so."""
    with without_automations() as opened:
        yield opened


@pytest.fixture
def hook(client: SyncPrefectClient) -> tuple[Told, ...]:
    """Save a notification block."""
    CustomWebhookNotificationBlock(name="hook", url="http://127.0.0.1:9/").save("oncall", overwrite=True)
    return tuple(find_told(client, [HOOK, HOOK]))


def saved(client: SyncPrefectClient) -> dict[str, dict[str, Any]]:
    """Return the saved automations as JSON, by name."""
    found = client.request("POST", "/automations/filter", json={}).json()
    return {item["name"]: item for item in found if item["name"].startswith("pokelake-")}


def test_what_is_missing_is_created_and_again_changes_nothing(client: SyncPrefectClient, hook: tuple[Told, ...]):
    assert save_automations(LAKE) == dict.fromkeys(ACTING, "created")
    assert save_automations(LAKE) == dict.fromkeys(ACTING, "left")
    save_automations(LAKE, hook)
    before = saved(client)
    assert save_automations(LAKE, hook) == dict.fromkeys(ALL, "left")
    assert saved(client) == before


def test_what_differs_is_changed_in_its_place(client: SyncPrefectClient):
    save_automations(LAKE)
    before = saved(client)
    done = save_automations(LAKE, patience=replace(Patience(), refresh=timedelta(hours=50)))
    assert {name for name, what in done.items() if what != "left"} == {"automation/pokelake-not-current"}
    after = saved(client)
    assert after["pokelake-not-current"]["trigger"]["within"] == 50 * 3600
    assert {name: item["id"] for name, item in after.items()} == {name: item["id"] for name, item in before.items()}


def test_what_somebody_switched_off_stays_off(client: SyncPrefectClient):
    save_automations(LAKE)
    client.pause_automation(UUID(saved(client)["pokelake-start-again"]["id"]))
    assert save_automations(LAKE)["automation/pokelake-start-again"] == "left"
    assert saved(client)["pokelake-start-again"]["enabled"] is False


def test_who_is_to_be_told_no_longer_is_not(client: SyncPrefectClient, hook: tuple[Told, ...]):
    save_automations(LAKE)
    assert read_told(client) == []
    done = save_automations(LAKE, hook)
    assert [name for name, what in done.items() if what == "created"] == ALL[len(ACTING) :]
    assert [name for name, what in done.items() if what == "changed"] == [
        "automation/pokelake-too-long",
        "automation/pokelake-not-current",
    ]
    assert read_told(client) == [Told(hook[0].block, HOOK)]
    done = save_automations(LAKE, find_told(client, ["none"]))
    assert {name for name, what in done.items() if what == "deleted"} == set(ALL) - set(ACTING)
    assert read_told(client) == []


def test_a_block_that_was_deleted_has_no_name(client: SyncPrefectClient, hook: tuple[Told, ...]):
    save_automations(LAKE, hook)
    client.delete_block_document(hook[0].block)
    assert read_told(client) == [Told(hook[0].block, None)]


@pytest.mark.parametrize("name", ["custom-webhook/nobody", "oncall", "json/oncall", ""])
def test_a_block_that_is_not_there_is_answered_with_those_that_are(
    client: SyncPrefectClient, hook: tuple[Told, ...], name: str
):
    with pytest.raises(UnknownNameError) as error:
        find_told(client, [name])
    assert error.value.known == (HOOK,)


@pytest.mark.parametrize("notify", [["none", HOOK], [HOOK, "none"]])
def test_nobody_and_somebody_at_once_is_answered_with_the_contradiction(client: SyncPrefectClient, notify: list[str]):
    with pytest.raises(LakeError, match=f"--notify none means that nobody is told, and --notify {HOOK} that somebody"):
        find_told(client, notify)
    assert find_told(client, ["none", "none"]) == []


def test_all_are_deleted_the_one_of_report_too(client: SyncPrefectClient, hook: tuple[Told, ...]):
    save_automations(LAKE, hook)
    done = delete_automations(client)
    assert done.pop(f"automation/{REPORT_AUTOMATION}") == "absent"
    assert done == dict.fromkeys(sorted(ALL), "deleted")
