"""Saving the automations, and finding the notification blocks by which they tell."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import BlockDocument
from prefect.events.actions import SendNotification
from prefect.exceptions import ObjectNotFound

from blocks.names import FIRST, Names
from flows.deploy.automations import message
from flows.deploy.automations.act import acting
from flows.deploy.automations.tell import alarm, sent, telling
from flows.deploy.automations.trigger import USUAL, Patience
from lake.errors import LakeError, UnknownNameError
from lake.text import shown

# Made by `prefect deploy` from the triggers in `prefect.yaml`, because it holds the deployment's id.
REPORT_AUTOMATION = "pokelake-report-on-published"

# What `--notify` is to be where nobody shall be told any longer.
NOBODY = "none"

# What a block must be able to do.
_CAPABILITY = "notify"


@dataclass(frozen=True, slots=True)
class Told:
    """A saved notification block; without a name it was deleted since."""

    block: UUID
    name: str | None


def automations(
    lake: str, patience: Patience = USUAL, blocks: Sequence[UUID] = (), names: Names = FIRST
) -> tuple[AutomationCore, ...]:
    """Return the wanted automations of the lake at this address; those that only tell, only if somebody is told."""
    too_long = sent(message.cancelled(names, lake), blocks)
    acting_ones = (*acting(names, patience, too_long), alarm(names, lake, patience, blocks))
    return (*acting_ones, *telling(names, lake, patience, blocks)) if blocks else acting_ones


def find_told(client: SyncPrefectClient, notify: Sequence[str]) -> list[Told]:
    """Return the blocks of these names, `type/name`; none for the name `none`.

    Raises:
        LakeError: Both `none` and a block are named.
        UnknownNameError: There is no such block, or it does not notify; the message lists those that are saved.
    """
    if NOBODY in notify:
        if others := [name for name in dict.fromkeys(notify) if name != NOBODY]:
            raise LakeError(
                f"nothing was saved: --notify {NOBODY} means that nobody is told, and --notify {shown(others[0])} that"
                " somebody is; pass either, not both"
            )
        return []
    return [_find(client, name) for name in dict.fromkeys(notify)]


def _find(client: SyncPrefectClient, name: str) -> Told:
    kind, _, own = name.partition("/")
    with suppress(ObjectNotFound):
        found = client.read_block_document_by_name(own, kind, include_secrets=False)
        if _can_notify(found):
            return Told(found.id, name)
    saved = client.read_block_documents(include_secrets=False)
    raise UnknownNameError("notification block", name, sorted(_name(found) for found in saved if _can_notify(found)))


def read_told(client: SyncPrefectClient, names: Names = FIRST) -> list[Told]:
    """Return the blocks by which the saved automations of a lake tell."""
    found = client.read_automations_by_name(names.own("pokelake-not-current"))
    actions = [action for item in found for action in item.actions if isinstance(action, SendNotification)]
    blocks = dict.fromkeys(action.block_document_id for action in actions)
    return [Told(block, _find_name(client, block)) for block in blocks]


def _find_name(client: SyncPrefectClient, block: UUID) -> str | None:
    try:
        return _name(client.read_block_document(block, include_secrets=False))
    except ObjectNotFound:
        return None


def _name(block: BlockDocument) -> str:
    return f"{block.block_type.slug if block.block_type else 'unknown'}/{block.name}"


def _can_notify(block: BlockDocument) -> bool:
    return block.block_schema is not None and _CAPABILITY in block.block_schema.capabilities


def save_automations(
    lake: str, told: Sequence[Told] = (), patience: Patience = USUAL, names: Names = FIRST
) -> dict[str, str]:
    """Save the automations of the lake at this address; return for each: created, changed, left or deleted.

    An automation that somebody switched off stays off.
    """
    done = {}
    with get_client(sync_client=True) as client:
        wanted = automations(lake, patience, [each.block for each in told], names)
        for automation in wanted:
            done[f"automation/{automation.name}"] = _save(client, automation)
        for name in _names(names) - {automation.name for automation in wanted}:
            if _delete(client, name):
                done[f"automation/{name}"] = "deleted"
    return done


def delete_automations(client: SyncPrefectClient, names: Names = FIRST) -> dict[str, str]:
    """Delete all automations of a lake, also that of `report`; return for each: deleted or absent."""
    every = sorted({names.own(REPORT_AUTOMATION), *_names(names)})
    return {f"automation/{name}": "deleted" if _delete(client, name) else "absent" for name in every}


def _names(names: Names) -> set[str]:
    return {automation.name for automation in automations("", blocks=[UUID(int=0)], names=names)}


def _delete(client: SyncPrefectClient, name: str) -> bool:
    found = client.read_automations_by_name(name)
    for automation in found:
        client.delete_automation(automation.id)
    return bool(found)


def _save(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    found = client.read_automations_by_name(wanted.name)
    if not found:
        client.create_automation(wanted)
        return "created"
    saved = found[0]
    # Prefect's client sends only the fields that were given by name, and its server wants all of them but the owner.
    wanted = AutomationCore(**{**wanted.model_dump(exclude={"owner_resource"}), "enabled": saved.enabled})
    if AutomationCore(**saved.model_dump()) == wanted:
        return "left"
    client.update_automation(saved.id, wanted)
    return "changed"
