"""The form that asks for a verdict, and what it says."""

from dataclasses import replace

import msgspec

from flows.steps.answer import MOST_CHOICES, NOBODY, answer_form, answer_of
from flows.steps.held import NAMED, described
from flows.steps.parameters import Choice, LakeLocation
from lake.store import Store
from tests.lake.assemble.holding import abilities, fewer, hold_back
from tests.lake.assemble.lakeside import Lakeside


def test_a_form_has_a_choice_for_each_finding_unless_there_are_too_many(store: Store):
    lake = Lakeside(store)
    lake.begin(abilities())
    held = hold_back(lake, lake.crawl(fewer()))
    names = [finding.name for finding in held.questions]
    by_name = Choice(draft=held.id, publish=True, findings=names, by="Oak")
    assert answer_of(held, by_name) == {"verdict": "publish", "by": "Oak", "reason": "", "findings": names}
    found = replace(held.questions[0], subject="moves")
    more = msgspec.structs.replace(
        held, findings=tuple(replace(found, subject=f"moves-{number}") for number in range(MOST_CHOICES + 1))
    )
    assert "findings" not in answer_form(more).model_fields
    assert answer_of(more, by_name) is None
    assert answer_of(more, Choice(draft=held.id, publish=False)) == {"verdict": "drop", "by": NOBODY, "reason": ""}
    said = described(LakeLocation(bucket="lake"), more)
    assert f"because of {MOST_CHOICES + 1} findings" in said
    assert f"And {MOST_CHOICES + 1 - NAMED} further findings, none of which lost more." in said
