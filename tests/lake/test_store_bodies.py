"""The bucket: a body that breaks on its way is asked for again, a few times."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import (
    FlexibleChecksumError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

import lake.objects
from lake.commit import DataFile, read_file
from lake.errors import StoreError
from lake.store import Store
from tests.lake import is_one_paragraph_about
from tests.s3 import client_without_socket

BREAKS = {
    "cut": IncompleteReadError(actual_bytes=3, expected_bytes=7),
    "damaged": FlexibleChecksumError(error_msg="Expected checksum a did not match calculated checksum: b"),
    "reset": ResponseStreamingError(error="Connection reset by peer"),
    "late": ReadTimeoutError(endpoint_url="https://s3"),
}
TRIES = 5


class Breaking:
    """An S3 client of which the first bodies break, or come with other bytes than are there."""

    def __init__(self, endpoint: str, faults: Iterator[Exception | bytes]) -> None:
        self._client, self._faults = client_without_socket(endpoint), faults
        self.gets = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_object(self, **arguments: Any) -> Any:
        self.gets += 1
        answer = self._client.get_object(**arguments)
        fault = next(self._faults, None)
        if fault is not None:
            read = answer["Body"].read

            def spoilt(*given: Any) -> bytes:
                read()
                if isinstance(fault, bytes):
                    return fault
                raise fault

            answer["Body"].read = spoilt
        return answer


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake.objects, "_WAITS", (0,) * (TRIES - 1))


@pytest.mark.parametrize("kind", BREAKS)
def test_a_body_that_breaks_is_asked_for_again(bucket: str, s3_endpoint: str, kind: str):
    client = Breaking(s3_endpoint, iter([BREAKS[kind]] * (TRIES - 1)))
    store = Store(bucket, client=client)  # type: ignore[arg-type]
    store.create("a", b"pikachu")
    assert (store.get("a"), client.gets) == (b"pikachu", TRIES)


@pytest.mark.parametrize("kind", BREAKS)
def test_a_body_that_always_breaks_ends_in_one_paragraph(bucket: str, s3_endpoint: str, kind: str):
    client = Breaking(s3_endpoint, iter([BREAKS[kind]] * 100))
    store = Store(bucket, client=client)  # type: ignore[arg-type]
    store.create("a", b"pikachu")
    with pytest.raises(StoreError, match="S3 could not be reached") as caught:
        store.get("a")
    assert is_one_paragraph_about(str(caught.value), bucket)
    assert client.gets == TRIES


def test_a_file_that_comes_with_other_bytes_is_fetched_again(bucket: str, s3_endpoint: str):
    """Where no checksum of S3 tells, the hash in the commit does."""
    client = Breaking(s3_endpoint, iter([b"raichu", b"pikach?"]))
    store = Store(bucket, client=client)  # type: ignore[arg-type]
    file = DataFile("part-0.parquet", None, 1, 7, sha256(b"pikachu").hexdigest())
    store.create("snapshots/x/pokemon/part-0.parquet", b"pikachu")
    assert read_file(store, "x", "pokemon", file) == b"pikachu"
    assert client.gets == 3


def test_a_listing_that_comes_damaged_is_one_paragraph(bucket: str, monkeypatch: pytest.MonkeyPatch):
    store = Store(bucket)

    def damaged(name: str) -> None:
        raise ResponseParserError("unable to parse response (not well-formed), invalid XML received")

    monkeypatch.setattr(store._s3, "get_paginator", damaged)
    with pytest.raises(StoreError, match="invalid XML") as caught:
        list(store.list(""))
    assert is_one_paragraph_about(str(caught.value), bucket)


@pytest.mark.parametrize("kind", BREAKS)
def test_an_object_that_breaks_while_it_is_hashed_is_asked_for_again(bucket: str, s3_endpoint: str, kind: str):
    client = Breaking(s3_endpoint, iter([BREAKS[kind]] * (TRIES - 1)))
    store = Store(bucket, client=client)  # type: ignore[arg-type]
    store.create("a", b"pikachu")
    assert (store.digest("a"), client.gets) == ((7, sha256(b"pikachu").hexdigest()), TRIES)


def test_an_object_is_hashed_a_piece_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lake.objects, "_PIECE_BYTES", 3)
    store.create("a", b"pikachu")
    store.create("b", b"")
    assert store.digest("a") == (7, sha256(b"pikachu").hexdigest())
    assert store.digest("b") == (0, sha256(b"").hexdigest())
    assert store.digest("c") is None
