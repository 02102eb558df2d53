"""Questions about the automations: are they there, switched on, and does each watch over one lake?"""

from collections.abc import Iterator
from glob import escape
from uuid import UUID

from prefect.automations import AutomationCore, EventTrigger
from prefect.events.filters import AutomationFilter, AutomationFilterName
from prefect_aws import S3Bucket

from blocks.lakes import lakes
from blocks.names import Names
from blocks.storage import load_block, place_of
from flows.deploy.automations import REPORT_AUTOMATION, automations, read_told
from flows.deploy.doctor.check import Verdict, failed, judge, ok, skipped
from flows.deploy.doctor.installation import Installation

# What a trigger says besides the time for which it waits, which `maintain` works out anew.
_WATCHED = ("match", "match_related", "for_each", "posture", "after", "expect")


def watchers(at: Installation) -> Verdict:
    """Are the automations there, and switched on?"""
    blocks = [told.block for told in read_told(at.client, at.names)]
    wanted = automations("", blocks=blocks, names=at.names)
    ways = {item.name: f"`pokelake setup{at.names.flags}`" for item in wanted}
    ways[at.names.own(REPORT_AUTOMATION)] = at.deploy
    wrong = []
    for name, way in ways.items():
        found = at.client.read_automations_by_name(name)
        if not found:
            wrong.append((f"there is no {name}", way))
        wrong += [
            (f"{name} is switched off", f"`prefect automation resume --id {item.id}`")
            for item in found
            if not item.enabled
        ]
    return judge(wrong, f"switched on: {', '.join(ways)}")


def alarms(at: Installation) -> Verdict:
    """Has this lake automations that watch over it and over no other, and does no other lake's watch over it?"""
    others = [Names(lake) for lake in sorted(lakes().keys() - {at.names.lake})]
    wrong = [*_own(at), *(flaw for other in others for flaw in _shared(at, other))]
    beside = f", beside {', '.join(other.lake for other in others)}" if others else ", the only one here"
    return judge(wrong, f"those of {at.names.lake} watch over {at.store.uri()} alone{beside}")


def _own(at: Installation) -> Iterator[tuple[str, str]]:
    """Yield each automation of the lake that watches over something else, as one of an earlier version does."""
    blocks = [told.block for told in read_told(at.client, at.names)]
    for wanted in automations(at.store.uri(), blocks=blocks, names=at.names):
        for saved in at.client.read_automations_by_name(wanted.name):
            if _watched(saved) != _watched(wanted):
                way = f"`pokelake setup{at.names.flags}`"
                yield f"{saved.name} does not watch over {at.store.uri()}, or not over this lake alone", way


def _shared(at: Installation, other: Names) -> Iterator[tuple[str, str]]:
    """Yield what another lake has in common with this one: the place where they lie, and automations."""
    setup = f"`pokelake setup{other.flags or f' --lake {other.lake}'}"
    block, own = load_block(S3Bucket, other.lake), at.lake_block
    if block and place_of(block) == place_of(own):
        yield (
            f"the lake {other.lake} lies in {at.store.uri()} as well, so one alarm stands for both",
            f"{setup} --bucket {own.bucket_name} --prefix FOLDER`, a folder of its own",
        )
        return
    names = [item.name for item in automations("", blocks=[UUID(int=0)], names=other)]
    here = {f"prefect.tag.{at.names.tag}", f"pokelake.lake.{escape(at.store.uri())}"}
    for saved in at.client.read_automations(automations=AutomationFilter(name=AutomationFilterName(any_=names))):
        if here & set(_labels(saved)):
            yield f"{saved.name}, which is of the lake {other.lake}, watches over this one", f"{setup}`"


def _watched(automation: AutomationCore) -> list[object]:
    """Return what the trigger of an automation watches."""
    return [getattr(automation.trigger, name, None) for name in _WATCHED]


def _labels(automation: AutomationCore) -> Iterator[str]:
    """Yield each value that a label must have of what the trigger of an automation watches."""
    trigger = automation.trigger
    if isinstance(trigger, EventTrigger):
        related = trigger.match_related if isinstance(trigger.match_related, list) else [trigger.match_related]
        for specification in (trigger.match, *related):
            yield from (value for values in dict(specification.items()).values() for value in values)


def messages(at: Installation) -> Verdict:
    """Is somebody told, by blocks that are still there?"""
    told = read_told(at.client, at.names)
    if not told:
        return skipped(
            f"nobody is told; `pokelake setup{at.names.flags} --notify TYPE/NAME` names a saved notification block"
        )
    gone = [str(one.block) for one in told if one.name is None]
    if gone:
        return failed(
            f"no block with the id {', '.join(gone)} is saved, so nobody is told",
            f"`pokelake setup{at.names.flags} --notify TYPE/NAME`",
        )
    return ok(f"to {', '.join(one.name for one in told if one.name)}")
