"""The races of a trial: moto keeps the condition of a PUT, and not those of a copy, which the tests' own S3 keeps."""

from lake.store import Store
from tests.aws.races import FOLDER, Race, copies_what_was_replaced, race_of_copies, race_of_puts


def test_each_race_of_conditional_puts_has_one_winner_and_leaves_nothing(store: Store):
    assert race_of_puts(store, 5, 4) == Race(rounds=5, fair=5, winners=5)
    assert list(store.list(FOLDER)) == []


def test_each_race_of_conditional_copies_has_one_winner_and_leaves_nothing(store: Store):
    assert race_of_copies(store, 5, 4) == Race(rounds=5, fair=5, winners=5)
    assert not copies_what_was_replaced(store)
    assert list(store.list(FOLDER)) == []


def test_a_store_that_keeps_no_condition_of_a_copy_is_found_out(over_http: None):
    store = Store("lake", "pokelake")
    assert race_of_copies(store, 3, 4) == Race(rounds=3, fair=0, winners=12)
    assert copies_what_was_replaced(store)
    assert list(store.list(FOLDER)) == []
