"""How long a run may take before an automation cancels it: far longer than its predecessors took.

`pokelake setup` saves the automation, and each `maintain` works its time out anew.
"""

from datetime import timedelta
from math import ceil

from prefect.automations import AutomationCore, EventTrigger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from blocks.lakes import source_block
from blocks.names import FIRST, Names
from blocks.source_config import SourceConfig
from blocks.storage import load_block
from flows.steps.artifacts import client_of_run
from flows.steps.deadline import longest_run
from flows.steps.logs import harmless, note
from lake.crawl import Source

# The automation that cancels runs of the first lake; see `blocks.names` for that of another.
LONG_RUNS = "pokelake-too-long"

# A run is cancelled that takes so many times as long as the longest of the last ones that ended well. With a discover
# every hour they are those of a week; Prefect returns no more at once.
TIMES, LAST = 3, 200

_ENDED_WELL = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED]))


def least(source: Source) -> timedelta:
    """Return the time that each run has, whatever its predecessors took: that of a crawl of everything, in whole hours.

    A run that finds nothing changed takes seconds, and the next one may have to crawl everything. That one ends by its
    own limits, and then starts again; one that is cancelled does not.

    >>> least(Source()) / timedelta(hours=1)
    5.0
    """
    return _whole_hours(timedelta(seconds=longest_run(source)))


def allowed(client: SyncPrefectClient, source: Source, names: Names = FIRST) -> timedelta:
    """Return how long a run of a lake may take, after what its predecessors took, in whole hours."""
    before = FlowRunFilter(tags=FlowRunFilterTags(all_=[names.tag]), state=_ENDED_WELL)
    runs = client.read_flow_runs(flow_run_filter=before, sort=FlowRunSort.END_TIME_DESC, limit=LAST)
    # Without the time for which a run waited for a person.
    took = max((run.total_run_time for run in runs), default=timedelta())
    return max(least(source), _whole_hours(TIMES * took))


def follow_predecessors(lake: str) -> None:
    """Let a lake's automation wait for as long as the predecessors tell; where it is not saved, do nothing."""
    with harmless("how long a run may take"):
        client, names = client_of_run(), Names(lake)
        for automation in client.read_automations_by_name(names.own(LONG_RUNS)):
            trigger, saved = automation.trigger, load_block(SourceConfig, source_block(lake))
            assert isinstance(trigger, EventTrigger)
            within = allowed(client, saved.source() if saved else Source(), names)
            # An automation that is changed forgets which runs it watches, so whole hours are exact enough.
            if trigger.within != within:
                trigger.within = within
                # Prefect's client sends only what was given by name.
                wanted = AutomationCore(**automation.model_dump(exclude={"owner_resource"}))
                client.update_automation(automation.id, wanted)
                note(f"a run that takes longer than {within / timedelta(hours=1):g} hours is cancelled")


def _whole_hours(time: timedelta) -> timedelta:
    return timedelta(hours=ceil(time / timedelta(hours=1)))
