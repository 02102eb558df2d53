"""What commands do about a held draft: they show it, ask about it on a terminal, and decide it in their own process."""

import getpass
import sys
from typing import TYPE_CHECKING, Any

import typer

from lake.cli.say import remark, say
from lake.errors import HeldError
from lake.text import counted, listed

if TYPE_CHECKING:
    from prefect.client.schemas import State

    from flows.steps.parameters import Choice, LakeLocation
    from lake.assemble.held import HeldDraft

# Findings that a terminal shows.
SHOWN = 20

PUBLISH, DROP, LEAVE = "publish", "drop", "leave"


def account() -> str:
    """Return the name of whoever runs the command, as the system has it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def show_facts(held: "HeldDraft", limit: int = SHOWN) -> None:
    """Print the findings that ask as a table, the largest loss first, and how many more there are."""
    import pandas as pd

    from flows.steps.held import facts
    from lake.cli.show import draw
    from lake.publish import further

    asked = held.questions
    told = listed(asked, limit) if limit else asked
    draw(pd.DataFrame(facts(told)).drop(columns="message"))
    if rest := further(asked, len(told)):
        say(rest)


def finish(state: "State[Any]", lake: "LakeLocation") -> None:
    """Print the state in which a run ended, or raise the error with which it failed.

    On a terminal a run that is held asks what is to be done, and does that; if it is left, it says how to decide later.
    """
    from flows.steps.outcome import spoken

    if state.is_failed() or state.is_crashed():
        try:
            state.result()
        except HeldError as error:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise
            choice = ask(lake, error.draft)
            decide_here(lake, choice)
            return
    say(": ".join(spoken(state)))


def ask(lake: "LakeLocation", draft: str) -> "Choice":
    """Show on a terminal why a draft is held, and ask for a verdict.

    Raises:
        LakeError: It is left waiting; the message has the commands that decide it later.
    """
    from flows.steps.held import left_error
    from flows.steps.parameters import Choice
    from lake.assemble.held import read_held

    held = read_held(lake.open(), draft)
    say(f"{draft} is held and was not published,\nbecause of {counted(len(held.questions), 'finding')}:\n")
    if held.again:
        say(f"It is held again in the place of {held.again}: {held.reason}.\n")
    show_facts(held)
    say()
    while (wanted := _answer()) not in (PUBLISH, DROP, LEAVE):
        remark(f"please answer {PUBLISH}, {DROP} or {LEAVE}")
    if wanted == LEAVE:
        raise left_error(lake, held)
    reason = typer.prompt("Why? The commit keeps it", default="", show_default=False, err=True)
    return Choice(draft=draft, publish=wanted == PUBLISH, reason=reason, by=account())


def _answer() -> str:
    asked = f"Publish all of it, drop it, or leave it ({PUBLISH}, {DROP}, {LEAVE})?"
    return str(typer.prompt(asked, default=LEAVE, err=True)).strip().lower()


def decide_here(lake: "LakeLocation", choice: "Choice") -> None:
    """Decide a draft in this process, by a refresh that crawls nothing."""
    from flows.refresh import refresh

    finish(refresh(lake, decide=choice, return_state=True), lake)


def decide_alone(lake: "LakeLocation", held: "HeldDraft", choice: "Choice") -> None:
    """Decide a draft without Prefect. It stays in the lake until the next run, which tells Prefect what became of it.

    This is as safe as a run: of two verdicts that are given at once one stands, and of two publications one is made.

    Raises:
        HeldError: The draft cannot be published as it is, so it is held again.
    """
    from flows.steps.answer import verdict_of
    from flows.steps.bar import progress
    from flows.steps.held import held_error
    from flows.steps.outcome import describe_changes
    from flows.steps.publish import run_facts
    from lake.assemble.decide import decide
    from lake.assemble.decided import Ending

    decision = decide(lake.open(), held, verdict_of(choice), progress, run_facts())
    verdict, commit = decision.verdict, decision.commit
    if decision.held is not None:
        raise held_error(lake, decision.held)
    if commit is None:
        say(f"Dropped: draft {held.id}{verdict.why}, by {verdict.by}")
    elif decision.outcome is Ending.UNCHANGED:
        say(f"Unchanged: readers already saw all of draft {held.id}; readers see {commit.snapshot}")
    else:
        said = f"published {commit.snapshot}: {describe_changes(commit)}"
        say(f"Completed: {said}; as decided by {verdict.by}{verdict.why}")
