"""What artifacts say of a snapshot, seen without Prefect."""

from dataclasses import replace

from flows.steps.artifacts import artifact_key, findings
from flows.steps.parameters import LakeLocation
from tests.lake.commits import COMMIT


def test_the_largest_losses_stand_first_and_all_findings_are_there():
    warning = {"level": "warn", "rule": "new-field", "subject": "moves", "message": "odd\x1b[1m"}
    lost = [
        {"level": "ask", "rule": "shrink", "subject": name, "message": "lost", "before": 100, "after": after}
        for name, after in (("items", 70), ("pokemon", 10))
    ]
    found = findings(replace(COMMIT, audits=(warning, *lost)))
    assert [finding["subject"] for finding in found] == ["pokemon", "items", "moves"]
    assert found[-1]["message"] == "odd\\x1b[1m"


def test_a_lake_that_cannot_be_opened_has_a_place_all_the_same():
    """A run is named before anybody has looked at its lake."""
    location = LakeLocation(bucket="s3://not/a/name", prefix="of\nours")
    assert location.place() == "s3://not/a/name/of\\nours"
    assert artifact_key("crawl", location.place()) == "pokelake-crawl-s3-not-a-name-of-nours"
