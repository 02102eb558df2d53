"""A person's answer to what a draft asks: as a form takes it, and as a verdict."""

from datetime import UTC, datetime
from typing import Any, Literal

from prefect.input import RunInput
from pydantic import Field, create_model

from flows.steps.parameters import Choice
from lake.assemble.held import HeldDraft
from lake.verdict import Act, Verdict

# Choices of a form; with more findings, a form accepts only all of them.
MOST_CHOICES = 30

# Whom a verdict names if nobody said who gave it.
NOBODY = "somebody unnamed"


def verdict_of(choice: Choice) -> Verdict:
    """Return what a person chose as a verdict of this moment."""
    act = Act.PUBLISH if choice.publish else Act.DROP
    at = datetime.now(UTC).isoformat(timespec="seconds")
    findings = choice.findings if choice.publish else ()
    return Verdict(choice.draft, act, choice.by.strip() or NOBODY, at, choice.reason.strip(), findings or None)


def answer_form(held: HeldDraft) -> type[RunInput]:
    """Return the form that asks for a verdict on a draft."""
    names = tuple(finding.name for finding in held.questions)
    fields: dict[str, Any] = {
        "verdict": (Literal["publish", "drop"], Field(description="Publish exactly this draft, or drop it.")),
        "by": (str, Field(title="Who decides", description="Your name; the commit keeps it.")),
        "reason": (str, Field("", description="Why; the commit keeps it.")),
    }
    if len(names) <= MOST_CHOICES:
        accepted = "Select all that you accept; if there are others, the draft waits on. None accepts all."
        fields["findings"] = (list[Literal[names]], Field([], title="Findings", description=accepted))  # type: ignore[valid-type]
    return create_model("Answer", __base__=RunInput, **fields)


def answer_of(held: HeldDraft, choice: Choice) -> dict[str, Any] | None:
    """Return a verdict as the form takes it; None if it has no place for what is accepted by name."""
    answer: dict[str, Any] = {
        "verdict": verdict_of(choice).act.value,
        "by": choice.by or NOBODY,
        "reason": choice.reason,
    }
    if choice.findings:
        answer["findings"] = list(choice.findings)
    return answer if not choice.findings or "findings" in answer_form(held).model_fields else None
