"""The messages, as Prefect's server fills them in: what happened, where, since when, and the command to run.

They are Jinja templates. What one names that the event has not becomes nothing, so no message is lost by it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.events.actions import SendNotification

from blocks.names import Names
from flows.steps.again import AGAIN
from flows.steps.watch import OUTCOME_TAG
from lake.assemble.decided import Ending

# The message of the crash of a run that never started; only that run starts again at once.
NEVER_STARTED = "it was submitted but never started; it goes back into the queue"

_SINCE = '{{ event.occurred.strftime("%Y-%m-%d %H:%M UTC") }}'
# A state's message may be long, and some services refuse a long one. The run itself may be in another state by now.
_STATE = """{{ (event.resource["prefect.state-message"] or 'without a message') | truncate(1500) }}"""
_FINDINGS = "{{ event.payload.findings }} finding{{ 's' if event.payload.findings != 1 }}"
# When a draft was decided, by whom, and why. That one expired or was superseded, the lake itself has decided; and what
# was decided may have ended otherwise. Runs of an earlier version name neither time nor person.
_DECIDED = (
    f"{{% set its_own = event.payload.outcome in {[Ending.EXPIRED.value, Ending.SUPERSEDED.value]} %}}"
    f"{{% if not its_own and event.payload.outcome not in {[Ending.PUBLISHED.value, Ending.DROPPED.value]} %}}"
    ", after it was decided{% endif %}"
    f" at {{% if event.payload.at %}}{{{{ event.payload.at }}}}{{% else %}}{_SINCE}{{% endif %}}"
    "{% if event.payload.by and not its_own %} by {{ event.payload.by }}{% endif %}"
    "{% if event.payload.reason %}: {{ event.payload.reason }}{% else %}.{% endif %}"
)
_RUN = "Run: {{ flow_run.name }}, {{ (flow_run | ui_url) or flow_run.id }}"
_LOGS = "Its log: prefect flow-run logs {{ flow_run.id }}"
_RETRY = "Start it again: prefect flow-run retry {{ flow_run.id }}"


@dataclass(frozen=True, slots=True)
class Message:
    """A subject and the lines below it."""

    subject: str
    lines: tuple[str, ...]

    def to(self, block: UUID) -> SendNotification:
        """Return the action that sends it by a notification block."""
        # An empty line is one that did not concern this event.
        body = "{% filter trim %}" + "\n".join(self.lines) + "{% endfilter %}"
        return SendNotification(block_document_id=block, subject=f"Pokélake: {self.subject}", body=body)


def spoken(time: timedelta) -> str:
    """Return a time in the largest unit of which it is a whole number.

    >>> spoken(timedelta(hours=26)), spoken(timedelta(days=8)), spoken(timedelta(minutes=90))
    ('26 hours', '8 days', '90 minutes')
    """
    units = {"days": timedelta(days=1), "hours": timedelta(hours=1), "minutes": timedelta(minutes=1)}
    for name, unit in units.items():
        if time > unit and not time % unit:
            return f"{time // unit} {name}"
    return f"{time.total_seconds():g} seconds"


def lake_of_run(names: Names, uri: str) -> str:
    """Return the template of a run's lake: the one that its parameters name, or else the saved one, at `uri`."""
    saved = "{{ " + json.dumps(uri) + " }}"
    return (
        "{% set lake = flow_run.parameters.lake %}"
        "{% if lake.bucket %}s3://{{ lake.bucket }}/{{ lake.prefix }}"
        f"{{% elif lake.block and lake.block != '{names.lake}' %}}the lake of the block {{{{ lake.block }}}}"
        f"{{% else %}}{saved}{{% endif %}}"
    )


def ended_badly(names: Names, uri: str, time: timedelta, tries: Sequence[str]) -> Message:
    """Return the message that a run failed or crashed, and whether it starts again by itself.

    `tries` is how often one may have begun that does. A run whose flow failed has a tag that says whether trying again
    may help, if Prefect took it. One that crashed before it began was refused its code or its container, unless it goes
    back into the queue.
    """
    how = """{{ event.resource["prefect.state-name"] | lower | replace('timedout', 'timed out') }}"""
    count = 'event.resource["prefect.run-count"]'
    again = (
        f'{{% if event.resource["prefect.state-message"] == {json.dumps(NEVER_STARTED)} %}}'
        f"{{% elif event.event != 'prefect.flow-run.Crashed' and '{OUTCOME_TAG}' not in (flow_run.tags | join(' ')) %}}"
        f"If trying again may help, it starts again by itself in {spoken(time)}, at most {len(tries)} times."
        f"{{% elif event.event != 'prefect.flow-run.Crashed' and '{OUTCOME_TAG}{AGAIN}' not in flow_run.tags %}}"
        "It does not start again by itself, because trying again alone does not help."
        f"{{% elif {count} in {list(tries)} %}}It starts again by itself in {spoken(time)}."
        f'{{% elif {count} == "0" %}}It never began, so it does not start again by itself.'
        f"{{% else %}}It has begun {{{{ {count} }}}} times, so it does not start again by itself."
        "{% endif %}"
    )
    # ECS's reason reaches Prefect no other way than by the log.
    memory = (
        """{% if 'non-zero exit code' in (event.resource["prefect.state-message"] or '') %}"""
        "\nIf its log says exit code 137, give runs more memory, such as: pokelake setup"
        f"{names.flags} --memory 4096"
        "{% endif %}"
    )
    return Message(
        f"{{{{ deployment.name }}}} {how}",
        (
            f"{{{{ deployment.name }}}} of {lake_of_run(names, uri)} {how} at {_SINCE}:",
            _STATE,
            again + memory,
            _RUN,
            _LOGS,
            _RETRY,
        ),
    )


def cancelled(names: Names, uri: str) -> Message:
    """Return the message that a run was cancelled because it took too long."""
    return Message(
        "{{ deployment.name }} took too long",
        (
            f"{{{{ deployment.name }}}} of {lake_of_run(names, uri)} has run since {_SINCE}, for more than"
            " {{ automation.trigger.within | humanize_precisedelta }}, far longer than the runs before it, and is"
            " cancelled. The next run goes on from its shards.",
            _RUN,
            _LOGS,
            _RETRY,
        ),
    )


def no_progress(names: Names, uri: str, time: timedelta) -> Message:
    """Return the message that a crawl is alive, and no document was done for a while."""
    return Message(
        "{{ deployment.name }} makes no progress",
        (
            f"{{{{ deployment.name }}}} of {lake_of_run(names, uri)} has done no document for {spoken(time)},"
            f" since {_SINCE}"
            "{% if event.payload.total %}: {{ event.payload.done }} of {{ event.payload.total }} are done{% endif %}.",
            _RUN,
            _LOGS,
            "Stop it: prefect flow-run cancel {{ flow_run.id }}; the next run goes on from its shards.",
        ),
    )


def draft() -> Message:
    """Return the message that a draft is held and waits, or how that ended."""
    return Message(
        "{% if event.payload.outcome %}a held snapshot was {{ event.payload.outcome }}"
        "{% else %}a snapshot is held and waits for you{% endif %}",
        (
            "{% if event.payload.outcome %}"
            "The held draft {{ event.payload.draft }} of {{ event.payload.lake }} was {{ event.payload.outcome }}"
            f"{_DECIDED}\n"
            "What readers see: pokelake status {{ event.payload.flags }}"
            "{% else %}"
            f"The draft {{{{ event.payload.draft }}}} of {{{{ event.payload.lake }}}} is held since {_SINCE}, because"
            f" of {_FINDINGS}; readers see the snapshot before. It waits until"
            " {{ event.payload.until }}.\n"
            "{% for finding in event.payload.first %}- {{ finding | truncate(300) }}\n{% endfor %}"
            "Run: {{ (flow_run | ui_url) or event.payload.run }}\n"
            "See all of it: {{ event.payload.command }}\n"
            "Publish it: {{ event.payload.command }} --all --reason WHY\n"
            "Drop it: {{ event.payload.command }} --reject --reason WHY"
            "{% endif %}",
        ),
    )


def drift() -> Message:
    """Return the message that a source has changed its shape."""
    return Message(
        "the source has changed its shape",
        (
            f"The snapshot {{{{ event.payload.snapshot }}}} of {{{{ event.payload.lake }}}}, published at {_SINCE}, has"
            f" {_FINDINGS} that the one before had not:",
            "{% for finding in event.payload.first %}- {{ finding | truncate(300) }}\n{% endfor %}"
            "All of them: pokelake audits --as-of {{ event.payload.snapshot }} {{ event.payload.flags }}",
        ),
    )


def not_current(lake: str, flags: str, time: timedelta, names: Names) -> Message:
    """Return the message that no refresh of a lake ended well for too long; lake and flags may be templates."""
    return Message(
        f"{lake} is not current",
        (
            f"No refresh of {lake} has ended well for {spoken(time)}"
            "{% if event %}"
            f", since {_SINCE}; readers see {{{{ event.payload.snapshot }}}}"
            "{% endif %}.",
            f"What runs, and its last runs: pokelake status {flags}; pokelake runs {flags}",
            f"Find out more: pokelake doctor {flags}{names.flags}",
        ),
    )


def worker_gone(flags: str, time: timedelta) -> Message:
    """Return the message that nothing polls for runs; the flags name the lake."""
    return Message(
        "no worker asks for runs",
        (
            "No worker has asked the work pool {{ deployment.work_pool_name }} for runs for"
            f" {spoken(time)}, since {_SINCE}, so no run starts.",
            "On ECS, look at the events of the worker's service; elsewhere, start it: prefect worker start --pool"
            " {{ deployment.work_pool_name }}",
            f"Find out more: pokelake doctor {flags} --work-pool {{{{ deployment.work_pool_name }}}}",
        ),
    )


def no_run(flow: str, flags: str, time: timedelta, names: Names) -> Message:
    """Return the message that a schedule starts nothing; the flags name the lake."""
    deployment = names.own(flow)
    return Message(
        f"{deployment} does not run",
        (
            f"No run of {deployment} has begun for {spoken(time)}"
            "{% if event %}"
            f", since {_SINCE}"
            "{% endif %}: its schedule is paused, its queue is, or no worker asks for runs.",
            f"Its schedules: prefect deployment schedule ls {flow}/{deployment}",
            f"Find out more: pokelake doctor {flags}{names.flags}"
            "{% if deployment.work_pool_name %} --work-pool {{ deployment.work_pool_name }}{% endif %}",
        ),
    )
