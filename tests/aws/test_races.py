"""The races of a trial, in moto: it keeps the condition of a PUT, and not that of a copy, and both are told apart."""

import boto3

from lake.store import Store
from tests.aws.races import FOLDER, Race, race_of_copies, race_of_puts


def test_each_race_of_conditional_puts_has_one_winner_and_leaves_nothing(store: Store):
    assert race_of_puts(store, 5, 4) == Race(rounds=5, fair=5, winners=5)
    assert list(store.list(FOLDER)) == []


def test_a_race_that_several_win_is_not_fair(store: Store):
    assert race_of_copies(store, boto3.client("s3"), 3, 4) == Race(rounds=3, fair=0, winners=12)
    assert list(store.list(FOLDER)) == []
