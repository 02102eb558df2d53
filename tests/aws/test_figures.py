"""The page of what a trial has seen: it says that nobody has tried until somebody has."""

from datetime import UTC, datetime

from tests.aws.figures import NEVER, PAGE, TITLE, Figure, page
from tests.docs import REPOSITORY

WHEN = datetime(2026, 11, 27, tzinfo=UTC)


def test_a_page_has_a_line_for_each_step_and_says_where_it_ended():
    told = page([Figure("races", 12.4, "50 of 50"), Figure("verify", 3, "whole")], "", "us-east-1", WHEN)
    assert told.endswith("us-east-1 on 2026-11-27:\n\n| step | seconds | seen |\n| --- | --- | --- |\n"
                         "| races | 12 | 50 of 50 |\n| verify | 3 | whole |\n")  # fmt: skip
    assert "Trouble: LakeError: a b" in page([], "LakeError: a\nb", "us-east-1", WHEN)


def test_what_is_committed_is_the_page_of_a_trial_or_says_that_there_was_none():
    committed = PAGE.read_text()
    assert committed == NEVER or committed.startswith(f"{TITLE}\n\n`make aws` saw this in ")


def test_the_runbook_sends_its_reader_there():
    assert "(on-aws.md)" in (REPOSITORY / "docs/deploy.md").read_text()
