"""Keys: they sort, they parse back, and nothing from outside gets into them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import layout

PIKACHU_DAY = datetime(2026, 8, 8, 4, 12, tzinfo=UTC)


@given(st.integers(0, 10**10 - 1))
def test_a_commit_key_parses_back(seq):
    assert layout.commit_seq(layout.commit_key(seq)) == seq


@given(st.integers(0, 10**10 - 1), st.integers(0, 10**10 - 1))
def test_commit_keys_sort_like_their_numbers(one, other):
    assert (layout.commit_key(one) < layout.commit_key(other)) == (one < other)


@pytest.mark.parametrize(
    "key",
    [
        "commits/42.json",
        "commits/0000000042.json.tmp",
        "commits/0000000042.json\n",
        "commits/old/0000000042.json",
        "commits/٠٠٠٠٠٠٠٠٤٢.json",
        "snapshots/0000000042.json",
        "",
    ],
)
def test_what_only_resembles_a_commit_key_has_no_number(key):
    assert layout.commit_seq(key) is None


def test_a_snapshot_id_names_its_start_in_utc():
    in_tokyo = PIKACHU_DAY.astimezone(timezone(timedelta(hours=9)))
    assert layout.new_snapshot_id(in_tokyo).startswith("20260808T041200Z-")


def test_two_attempts_of_one_second_share_no_snapshot_id():
    assert len({layout.new_snapshot_id(PIKACHU_DAY) for _ in range(100)}) == 100


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_new_snapshot_id_is_one(started):
    assert layout.is_snapshot_id(layout.new_snapshot_id(started))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(1, 10**8))
def test_snapshot_ids_sort_by_their_start(started, seconds):
    earlier = started.replace(tzinfo=UTC)
    assert layout.new_snapshot_id(earlier) < layout.new_snapshot_id(earlier + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "text",
    ["", "latest", "20260808T041200Z", "20260808T041200Z-1F3A9C02", "20260808T041200Z-1f3a9c02/", "../x"],
)
def test_what_only_resembles_a_snapshot_id_is_none(text):
    assert not layout.is_snapshot_id(text)


def test_the_files_of_a_table_lie_below_its_folder_in_its_snapshot():
    folder = layout.table_folder("20260808T041200Z-1f3a9c02", "pokemon_types")
    assert folder == "snapshots/20260808T041200Z-1f3a9c02/pokemon_types"
    assert folder.startswith(layout.snapshot_folder("20260808T041200Z-1f3a9c02"))


def test_the_folder_of_a_snapshot_holds_no_other_snapshot():
    """Without the slash at its end, a listing of one would show what merely begins alike."""
    assert layout.snapshot_folder("20260808T041200Z-1f3a9c02").endswith("-1f3a9c02/")


def test_a_partition_value_of_zero_is_a_partition():
    assert layout.part_name("generation", 0) == "generation=0/part-0.parquet"


def test_two_attempts_at_a_shard_share_no_key():
    keys = {layout.staging_key("3f9a", "pokemon", 7) for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("staging/3f9a/pokemon-0007-") for key in keys)


@given(st.sets(st.integers(1, 9_999_999_999)), st.integers(1, 99_999_999), st.integers(1, 500))
def test_what_follows_on_the_commits_of_a_lake_is_in_reach_and_nothing_far_above(far, first, length):
    """Whatever lies far above, and however many old ones are gone."""
    chain = list(range(first, first + length))
    highest = chain[-1] + 100_000_000
    assert layout.in_reach([*chain, *(number for number in far if number > highest)]) == chain
    assert set(chain) <= set(layout.in_reach([*chain, *far]))
