"""The commit log: what a commit says survives JSON, and the highest number is what readers see."""

import json
from dataclasses import replace

import pytest

from lake.commit import FORMAT, Commit, commit_seqs, head, read_commit
from lake.errors import LakeError, MissingObjectError
from lake.layout import commit_key
from tests.lake.commits import COMMIT, SNAPSHOT


def store_commits(store, *seqs):
    for seq in seqs:
        store.create(commit_key(seq), replace(COMMIT, seq=seq).to_json())


def test_a_commit_survives_json():
    assert Commit.from_json(COMMIT.to_json(), "s3://lake/x") == COMMIT


def test_the_same_commit_has_the_same_bytes():
    """A repeated PUT is told from a lost race by comparing them."""
    assert COMMIT.to_json() == Commit.from_json(COMMIT.to_json(), "s3://lake/x").to_json()


def test_a_commit_says_its_format():
    assert json.loads(COMMIT.to_json())["format"] == FORMAT


def test_a_commit_of_a_later_version_is_read_in_spite_of_members_it_adds():
    body = json.dumps({**json.loads(COMMIT.to_json()), "signature": "…"}).encode()
    assert Commit.from_json(body, "s3://lake/x") == COMMIT


def test_a_commit_names_every_file_of_its_snapshot():
    assert COMMIT.keys() == [
        f"snapshots/{SNAPSHOT}/pokemon/generation=0/part-0.parquet",
        f"snapshots/{SNAPSHOT}/pokemon/generation=1/part-0.parquet",
        f"snapshots/{SNAPSHOT}/documents/resource=pokemon/part-0.parquet",
        f"snapshots/{SNAPSHOT}/generations/part-0.parquet",
    ]


def test_a_table_has_the_rows_and_bytes_of_its_files():
    assert (COMMIT.tables["pokemon"].rows, COMMIT.tables["pokemon"].bytes) == (204, 9900)


def test_another_format_is_refused_with_what_to_do():
    """Whatever else stands in it: another format may have other members."""
    with pytest.raises(LakeError, match="s3://lake/x: expected commit format 2 or below, found 3; upgrade Pokélake"):
        Commit.from_json(b'{"format": 3, "snapshots": ["a", "b"]}', "s3://lake/x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PAR1",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"format": "1"}',
        b'{"format": 1}',
        b'{"format": 1, "snapshot": "\xff"}',
        COMMIT.to_json()[:-1],
        COMMIT.to_json().replace(b'"seq": 42', b'"seq": "42"'),
    ],
)
def test_what_is_no_commit_is_refused_with_its_uri(body):
    with pytest.raises(LakeError, match="s3://lake/x: expected a commit, found an object that is none"):
        Commit.from_json(body, "s3://lake/x")


def test_an_empty_lake_has_no_head(store):
    assert head(store) is None


def test_the_highest_commit_is_the_head(store):
    store_commits(store, 10, 9, 100)
    assert commit_seqs(store) == [9, 10, 100]
    assert head(store) == replace(COMMIT, seq=100)


def test_what_lies_beside_the_commits_is_passed_over(store):
    store_commits(store, 9)
    store.create("commits/zzz.txt", b"a note of the operator")
    assert head(store) == replace(COMMIT, seq=9)


def test_an_earlier_commit_is_read_by_its_number(store):
    store_commits(store, 9, 10)
    assert read_commit(store, 9).seq == 9
    with pytest.raises(MissingObjectError, match=r"commits/0000000008\.json"):
        read_commit(store, 8)
