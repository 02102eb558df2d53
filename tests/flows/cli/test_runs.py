"""The list of the last runs, as a terminal shows it."""

from typing import Any

import pytest

from flows.cli.runs import NUMBERS, table

LONGEST = {
    "start": "2026-11-27T04:20:31+00:00",
    "flow": "discover",
    "outcome": "published",
    "why": None,
    "documents": 15_463,
    "requests": 15_480,
    "s3_requests": 10_234,
    "seconds": 12_345.6,
    "peak_mb": 1_234,
}
CRASHED = "Flow run process exited with non-zero status code 137 because of an out of memory error: SIGKILL"


def run(**facts: Any) -> dict[str, Any]:
    return {**LONGEST, **facts}


def dead(**facts: Any) -> dict[str, Any]:
    return run(**dict.fromkeys(NUMBERS), **facts)


def test_a_run_without_numbers_has_the_reason_in_their_place_and_a_failed_one_below_them():
    lines = list(
        table(
            [
                run(),
                dead(flow="refresh", outcome="crashed", why=CRASHED),
                dead(flow="refresh", outcome="running"),
                run(flow="maintain", outcome="failed", why="S3 refuses", documents=None, requests=None),
            ],
            None,
        )
    )
    assert [line.split() for line in (lines[0], lines[2])] == [
        ["start", "flow", "outcome", "documents", "requests", "S3", "seconds", "MB"],
        ["11-27", "04:20", "discover", "published", "15,463", "15,480", "10,234", "12,345.6", "1,234"],
    ]
    assert lines[3:6] == [
        f"11-27 04:20  refresh   crashed    {CRASHED}",
        "11-27 04:20  refresh   running",
        "11-27 04:20  maintain  failed             -         -  10,234  12,345.6  1,234",
    ]
    assert lines[6] == f"{' ' * 13}S3 refuses"


@pytest.mark.parametrize("room", [80, 132])
def test_the_table_fits_a_terminal(room: int):
    found = [run(), dead(outcome="cancelled", why=CRASHED), run(outcome="failed", why=CRASHED * 2)]
    lines = list(table(found, room))
    assert max(map(len, lines)) <= room
    assert len(lines) == 6
    assert lines[-1].endswith("…")
