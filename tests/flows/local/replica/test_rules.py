"""Which requests a fault rule meets, and how often."""

import json
from typing import Any

import httpx
import pytest

from flows.local.replica import FaultError, Running
from flows.local.replica.faults import Faults


def test_a_rule_ends_after_its_times(running: Running, api: httpx.Client):
    running.faults([{"kind": "status", "status": 500, "times": 2}])
    statuses = [api.get(path).status_code for path in ("pokemon/25/", "pokemon/132/", "pokemon/25/")]
    assert statuses == [500, 500, 200]


def test_a_rule_ends_for_each_path_after_its_times(running: Running, api: httpx.Client):
    running.faults([{"kind": "status", "status": 500, "per_path_times": 1}])
    paths = ("pokemon/25/", "pokemon/25", "pokemon/132/", "pokemon/132/")
    assert [api.get(path).status_code for path in paths] == [500, 200, 500, 200]


def test_the_first_rule_that_matches_is_applied(running: Running, api: httpx.Client):
    rules: list[dict[str, Any]] = [
        {"kind": "status", "status": 500, "path": "^pokemon/25$", "times": 1},
        {"kind": "status", "status": 503, "path": "^pokemon/"},
    ]
    running.faults(rules)
    assert [api.get(path).status_code for path in ("pokemon/25", "pokemon/25", "pokemon/")] == [500, 503, 200]


def test_a_share_of_the_paths_is_met_and_always_the_same():
    rule = {"kind": "status", "status": 500, "share": 0.3}
    first, second = ({n for n in range(1000) if Faults([rule]).meet(f"pokemon/{n}")} for _ in range(2))
    assert first == second
    assert 250 < len(first) < 350


def test_the_kinds_meet_different_shares():
    rules = [{"kind": "drop", "share": 0.5}, {"kind": "html", "share": 0.5}]
    drop, html = ({n for n in range(100) if Faults([rule]).meet(f"pokemon/{n}")} for rule in rules)
    assert drop != html


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([{"kind": "explode"}], "rule 0: expected an object with a kind of latency, "),
        ([{"kind": "drop"}, "drop"], "rule 1: expected an object"),
        ([{"kind": "latency"}], "rule 0, latency: seconds: expected a value, found none"),
        ([{"kind": "status", "status": "500"}], "rule 0, status: status: expected int, found '500'"),
        ([{"kind": "status", "status": 99}], "expected 200 to 599, found 99"),
        ([{"kind": "drop", "seconds": 1}], "found 'seconds'"),
        ([{"kind": "drop", "path": "("}], "path: expected a regular expression, found '('"),
        ([{"kind": "truncated", "variant": "half"}], "expected length, chunked, close, gzip; found 'half'"),
        ([{"kind": "drop", "times": -1}], "times: expected no less than 0, found -1"),
    ],
)
def test_a_malformed_rule_is_refused_and_the_old_ones_stay(running: Running, rules: list[Any], message: str):
    running.faults([{"kind": "html"}])
    with pytest.raises(FaultError) as caught:
        running.faults(rules)
    assert message in str(caught.value)
    url = running.url.replace("/api/v2/", "/replica/faults")
    assert [rule["kind"] for rule in httpx.get(url).json()] == ["html"]


def test_faults_tell_how_often_they_were_applied(running: Running, api: httpx.Client):
    running.faults([{"kind": "drop", "path": "25"}])
    for path in ("pokemon/25/", "pokemon/25/encounters", "pokemon/132/"):
        api.get(path)
    [rule] = json.loads(httpx.get(running.url.replace("/api/v2/", "/replica/faults")).content)
    assert rule["applied"] == 2
