"""What a trial on AWS has seen, as the page that docs/deploy.md quotes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "on-aws.md"

TITLE = "# On AWS"

NEVER = f"""{TITLE}

Nobody has run this on AWS yet. `make aws` does, for whoever has an account: it names its price and asks before it
starts, and it writes what it saw here.
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One step of a trial: its name, how long it took, and what was seen."""

    step: str
    seconds: float
    seen: str


def page(figures: Sequence[Figure], trouble: str, region: str, when: datetime) -> str:
    """Return the page for a trial that was run in a region; `trouble` is what went wrong, empty if nothing did."""
    rows = [f"| {figure.step} | {figure.seconds:,.0f} | {figure.seen} |" for figure in figures]
    return "\n".join(
        (
            TITLE,
            "",
            f"`make aws` saw this in {region} on {when.astimezone(UTC):%Y-%m-%d}:",
            "",
            "| step | seconds | seen |",
            "| --- | --- | --- |",
            *rows,
            *(["", f"Trouble: {' '.join(trouble.split())}"] if trouble else []),
            "",
        )
    )
