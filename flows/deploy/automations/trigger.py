"""What the automations wait for, and for how long."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from prefect.automations import EventTrigger, Posture

from blocks.names import Names
from flows.steps.again import MOST_TRIES
from flows.steps.predecessors import least
from lake.crawl import Source

Labels = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each automation waits before it fires."""

    # Fargate starts a container within two minutes. But Prefect holds an event back for up to 15 minutes while the one
    # before it has not arrived, and until then a run that has started looks as if it had not.
    start: timedelta = timedelta(minutes=20)
    # Heartbeats are half a minute apart, but a server misses all of them while it restarts. While it runs, the events
    # of ECS say within seconds that a container is gone.
    heartbeat: timedelta = timedelta(minutes=5)
    # A source or a network that is in trouble is rarely well again within minutes, and a night has time for this twice.
    again: timedelta = timedelta(minutes=15)
    # `setup` and `maintain` work it out anew, after what the last runs took.
    run: timedelta = field(default_factory=lambda: least(Source()))
    # A crawl says every half minute how many documents are done. Then it builds and publishes for some minutes, and a
    # source that hangs is given up within a quarter of an hour.
    progress: timedelta = timedelta(minutes=30)
    # A refresh starts every 24 hours; it may wait for another crawl, and take its time.
    refresh: timedelta = timedelta(hours=26)
    # A discover starts every hour; it may wait for another crawl, for as long as that may run.
    discover: timedelta = timedelta(hours=8)
    # A maintain starts every Sunday.
    maintain: timedelta = timedelta(days=8)
    # A verify starts on the third of each month.
    verify: timedelta = timedelta(days=33)
    # A worker that is replaced by another one is away for a few minutes.
    worker: timedelta = timedelta(minutes=10)


USUAL = Patience()

RUNS: Labels = {"prefect.resource.id": "prefect.flow-run.*"}
# Only events of a state have this label, so a heartbeat is none of them. A crawl's progress has it as well.
STATES: Labels = {**RUNS, "prefect.state-type": "*"}
# How often a run may have begun that starts again by itself; its events say how often it has.
TRIES = [str(count) for count in range(1, MOST_TRIES)]
EACH = {"prefect.resource.id"}
ANY = "prefect.flow-run.*"


def ours(names: Names) -> Labels:
    """Return what is related to each event of the runs of a lake's deployments."""
    return {"prefect.resource.id": f"prefect.tag.{names.tag}", "prefect.resource.role": "tag"}


def of_deployment(names: Names, *deployments: str) -> list[Labels]:
    """Return what is related to each event of the runs of some of a lake's deployments."""
    own = [names.own(name) for name in deployments]
    return [ours(names), {"prefect.resource.role": "deployment", "prefect.resource.name": own}]


def silence(
    match: Labels,
    after: Collection[str],
    within: timedelta,
    related: Labels | list[Labels],
    expect: Collection[str] = (ANY,),
) -> EventTrigger:
    """Return a trigger that fires for each run that emits nothing for this long after one of these events.

    Every event of the run counts, because Prefect names the event of its end by the state's name, and anybody may give
    a state a name of its own. An event that is both in `after` and expected starts the time anew.
    """
    return EventTrigger(
        match=match,
        match_related=related,
        for_each=EACH,
        posture=Posture.Proactive,
        after=set(after),
        expect=set(expect),
        within=within,
    )


def absence(match: Labels, event: str, within: timedelta, related: Labels | list[Labels]) -> EventTrigger:
    """Return a trigger that fires if an event does not come for this long, and again each time that this passes.

    Without `for_each`, Prefect counts the time from the start, even if the event never came.
    """
    return EventTrigger(
        match=match,
        match_related=related,
        posture=Posture.Proactive,
        after={event},
        expect={event},
        within=within,
    )
