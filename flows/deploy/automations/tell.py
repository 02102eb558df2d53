"""The automations that tell somebody, by the notification blocks that `setup --notify` names."""

from collections.abc import Sequence
from glob import escape
from uuid import UUID

from prefect.automations import AutomationCore, DoNothing, EventTrigger
from prefect.events.actions import ActionTypes, SendNotification

from blocks.names import Names
from flows.deploy.automations import message
from flows.deploy.automations.message import Message
from flows.deploy.automations.trigger import (
    ANY,
    EACH,
    RUNS,
    STATES,
    TRIES,
    Labels,
    Patience,
    absence,
    of_deployment,
    ours,
    silence,
)
from flows.steps.events import DOCUMENTS_PROGRESS, DRAFT_ENDED, DRAFT_HELD, DRIFT_FOUND, LAKE, LAKE_CURRENT
from lake.bucket import flags_of


def sent(what: Message, blocks: Sequence[UUID]) -> list[SendNotification]:
    """Return the actions that send a message by each of these blocks."""
    return [what.to(block) for block in blocks]


def alarm(names: Names, lake: str, patience: Patience, blocks: Sequence[UUID]) -> AutomationCore:
    """Return the alarm that the lake is not current; it goes off, for whoever looks, also where nobody is told."""
    actions: list[ActionTypes] = [*sent(message.not_current(lake, flags_of(lake), patience.refresh, names), blocks)]
    return AutomationCore(
        name=names.own("pokelake-not-current"),
        description="No refresh of this lake has ended well for too long; somebody must look why.",
        trigger=absence(
            {"prefect.resource.id": f"pokelake.lake.{escape(lake)}"}, LAKE_CURRENT, patience.refresh, ours(names)
        ),
        actions=actions or [DoNothing()],
        tags=[names.tag],
    )


def telling(names: Names, lake: str, patience: Patience, blocks: Sequence[UUID]) -> tuple[AutomationCore, ...]:
    """Return the automations that do nothing but tell."""
    others: Labels = {"prefect.resource.id": f"!pokelake.lake.{escape(lake)}"}
    deployment: Labels = {"prefect.resource.id": "prefect.deployment.*", "prefect.resource.name": names.own("refresh")}

    def tell(name: str, description: str, trigger: EventTrigger, what: Message) -> AutomationCore:
        return AutomationCore(
            name=names.own(f"pokelake-tell-{name}"),
            description=description,
            trigger=trigger,
            actions=[*sent(what, blocks)],
            tags=[names.tag],
        )

    return (
        tell(
            "ended-badly",
            "A run failed, timed out or crashed.",
            _each(RUNS, {f"prefect.flow-run.{name}" for name in ("Failed", "TimedOut", "Crashed")}, ours(names)),
            message.ended_badly(names, lake, patience.again, TRIES),
        ),
        tell(
            "draft",
            "A snapshot is held and waits for a person, or that has ended.",
            # Who drops one on a terminal is no run, so its event has no tag.
            _each({"prefect.resource.id": "pokelake.draft.*", LAKE: escape(lake)}, {DRAFT_HELD, DRAFT_ENDED}, {}),
            message.draft(),
        ),
        tell(
            "drift",
            "A snapshot was published whose source has another shape than before.",
            _each({"prefect.resource.id": "pokelake.snapshot.*"}, {DRIFT_FOUND}, ours(names)),
            message.drift(),
        ),
        tell(
            "no-progress",
            "A crawl runs, and no document was done for too long.",
            silence(
                STATES,
                {"prefect.flow-run.Running", DOCUMENTS_PROGRESS},
                patience.progress,
                of_deployment(names, "refresh", "discover"),
                (ANY, DOCUMENTS_PROGRESS),
            ),
            message.no_progress(names, lake, patience.progress),
        ),
        tell(
            "other-not-current",
            "No refresh of another lake has ended well for too long since the last one that did.",
            silence(others, {LAKE_CURRENT}, patience.refresh, ours(names), (LAKE_CURRENT,)),
            message.not_current(
                '{{ event.resource["prefect.resource.id"] | replace("pokelake.lake.", "") }}',
                "{{ event.payload.flags }}",
                patience.refresh,
                names,
            ),
        ),
        tell(
            "worker-gone",
            "No worker asks for runs.",
            # The events of a deployment have no tags.
            silence(
                deployment,
                {"prefect.deployment.not-ready"},
                patience.worker,
                {"prefect.resource.role": "flow", "prefect.resource.name": "refresh"},
                ("prefect.deployment.ready",),
            ),
            message.worker_gone(f"{flags_of(lake)}{names.flags}", patience.worker),
        ),
        *(
            tell(
                f"no-{name}",
                f"No run of {name} has begun for too long.",
                absence(STATES, "prefect.flow-run.Running", within, of_deployment(names, name)),
                message.no_run(name, flags_of(lake), within, names),
            )
            for name, within in (
                ("discover", patience.discover),
                ("maintain", patience.maintain),
                ("verify", patience.verify),
            )
        ),
    )


def _each(match: Labels, expect: set[str], related: Labels) -> EventTrigger:
    return EventTrigger(match=match, match_related=related, for_each=EACH, expect=expect)
