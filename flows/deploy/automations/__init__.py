"""Prefect's automations of a lake: some act when a run gets stuck or dies, and some tell somebody.

Each concerns only the runs of its lake's deployments, which have a tag, because a Prefect server is shared with others,
and may have several lakes, each with automations of its own. Do not change them: the next `setup` puts them back. But
one that you switch off stays off.

The automation that starts `report` for each published snapshot stands in `prefect.yaml`, because it needs that
deployment's id.
"""

from flows.deploy.automations.act import HEARTBEAT_LOST, TOO_LONG
from flows.deploy.automations.message import NEVER_STARTED
from flows.deploy.automations.save import (
    REPORT_AUTOMATION,
    Told,
    automations,
    delete_automations,
    find_told,
    read_told,
    save_automations,
)
from flows.deploy.automations.trigger import Patience

__all__ = [
    "HEARTBEAT_LOST",
    "NEVER_STARTED",
    "REPORT_AUTOMATION",
    "TOO_LONG",
    "Patience",
    "Told",
    "automations",
    "delete_automations",
    "find_told",
    "read_told",
    "save_automations",
]
