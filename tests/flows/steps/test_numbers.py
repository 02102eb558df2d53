"""The line of numbers of a run: what such a run has, and nothing else."""

import re

from flows.steps.numbers import counting


def test_a_run_that_asks_no_source_has_no_numbers_of_one():
    with counting(asks=False) as numbers:
        numbers.seconds["build"] = 1.24
    assert re.fullmatch(r"0 requests to S3; \d\.\d s \(build 1\.2\)(; at most [\d,]+ MB of memory)?", numbers.line())
    assert not numbers.facts().keys() & {"documents", "sent", "requests", "bytes"}
    assert numbers.facts().keys() >= {"s3_requests", "seconds", "seconds_build", "peak_mb"}


def test_a_run_that_asks_one_has_them_also_when_nothing_came():
    with counting() as numbers:
        numbers.requests += 1
    assert numbers.line().startswith("0 documents (0 sent) by 1 request, 0.0 MB; 0 requests to S3; ")
    assert numbers.facts()["documents"] == 0
