"""The line of numbers of a run: what such a run has, and nothing else."""

import re
import time

import pytest

from flows.steps.numbers import counting


def test_a_run_that_asks_no_source_has_no_numbers_of_one():
    with counting(asks=False) as numbers:
        numbers.seconds["build"] = 1.24
    assert re.fullmatch(r"0 requests to S3; \d\.\d s \(build 1\.2\)(; at most [\d,]+ MB of memory)?", numbers.line())
    assert not numbers.facts().keys() & {"documents", "sent", "requests", "bytes"}
    assert numbers.facts().keys() >= {"s3_requests", "seconds", "seconds_build", "peak_mb"}


@pytest.mark.parametrize(
    ("phases", "said", "other"),
    [
        ({"crawl": 7.04, "build": 2.06}, "11.7 s (crawl 7.0, build 2.1, other 2.6)", 2.6),
        ({"crawl": 11.68}, "11.7 s (crawl 11.7)", None),
        ({}, "11.7 s", None),
    ],
)
def test_the_phases_of_a_run_add_up_to_its_seconds(
    monkeypatch: pytest.MonkeyPatch, phases: dict[str, float], said: str, other: float | None
):
    with counting(asks=False) as numbers:
        numbers.seconds |= phases
        ends = time.monotonic() + 11.7
        monkeypatch.setattr(time, "monotonic", lambda: ends)
        line, facts = numbers.line(), numbers.facts()
    assert line.startswith(f"0 requests to S3; {said}")
    assert f"{said};" in line or line.endswith(said)
    assert facts.get("seconds_other") == other
    of_phases = [value for name, value in facts.items() if name.startswith("seconds_")]
    assert facts["seconds"] == pytest.approx(sum(map(float, filter(None, of_phases))) if phases else 11.7)


def test_a_run_that_asks_one_has_them_also_when_nothing_came():
    with counting() as numbers:
        numbers.requests += 1
    assert numbers.line().startswith("0 documents (0 sent) by 1 request, 0.0 MB; 0 requests to S3; ")
    assert numbers.facts()["documents"] == 0
