"""The bucket: an object is copied within S3, once or not at all, and what was copied is what was meant."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from lake.errors import ConflictError, DamagedObjectError, MissingObjectError, StoreDownError, StoreError
from lake.store import Store
from lake.traffic import requests_to_s3
from tests.lake import answer

BODY, OTHER = b"pikachu", b"raichu!"
HASH = sha256(BODY).hexdigest()

Copy = Callable[..., Any]


class Copying:
    """An S3 client whose `copy_object` is `copy`, which is given the real one; all else is real."""

    def __init__(self, client: Any, copy: Callable[..., Any]) -> None:
        self._client, self._copy = client, copy
        self.copies = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def copy_object(self, **arguments: Any) -> Any:
        self.copies += 1
        return self._copy(self._client.copy_object, **arguments)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture
def etag(store: Store) -> str:
    """Create the object that is copied, and return its ETag as a listing names it."""
    store.create("a", BODY)
    [found] = store.list("a")
    return found.etag


@pytest.fixture
def copying(store: Store, s3_client: Any) -> Callable[[Copy], Store]:
    """Return a function that opens the lake with another `copy_object`."""
    return lambda copy: Store(store.bucket, store.prefix, Copying(s3_client, copy))  # type: ignore[arg-type]


def test_a_copy_takes_one_request_and_no_bytes(store: Store, etag: str):
    before = requests_to_s3()
    store.copy("a", "b", etag, HASH)
    assert requests_to_s3() - before == {"CopyObject": 1}
    assert store.get("b") == BODY


def test_a_copy_is_asked_for_on_both_conditions_and_with_a_checksum(over_http: None, etag: str):
    """As it goes to S3, of which moto reads the checksum alone."""
    client, sent = boto3.client("s3"), []
    client.meta.events.register("before-send.s3.CopyObject", lambda request, **_: sent.append(dict(request.headers)))
    Store("lake", "pokelake", client).copy("a", "b", etag, HASH)
    named = ("x-amz-copy-source-if-match", "If-None-Match", "x-amz-checksum-algorithm", "x-amz-copy-source")
    [found] = [[headers[name] for name in named] for headers in sent]
    assert [text.decode() if isinstance(text, bytes) else text for text in found] == [
        etag,
        "*",
        "SHA256",
        "lake/pokelake/a",
    ]


def test_a_copy_repeated_succeeds_and_another_object_is_kept(store: Store, etag: str):
    store.copy("a", "b", etag, HASH)
    store.copy("a", "b", etag, HASH)
    store.create("c", OTHER)
    with pytest.raises(ConflictError, match="s3://lake/pokelake/c"):
        store.copy("a", "c", etag, HASH)
    assert store.get("c") == OTHER


def test_what_is_gone_replaced_or_damaged_is_told_apart_and_leaves_nothing(store: Store, etag: str):
    with pytest.raises(MissingObjectError, match="s3://lake/pokelake/x: expected an object"):
        store.copy("x", "b", etag, HASH)
    with pytest.raises(DamagedObjectError, match=f"s3://lake/pokelake/a: expected the content with SHA-256 {HASH}"):
        store.copy("a", "b", '"another"', HASH)
    store.create("d", OTHER)
    [damaged] = store.list("d")
    with pytest.raises(DamagedObjectError, match="s3://lake/pokelake/d: expected the content"):
        store.copy("d", "b", damaged.etag, HASH)
    assert store.find("b") is None


@pytest.mark.parametrize(
    "error",
    [
        answer("InternalError", 500),
        answer("SlowDown", 503),
        answer("ConditionalRequestConflict", 409),
        answer("PreconditionFailed", 412),
        ReadTimeoutError(endpoint_url="https://s3"),
        ConnectionClosedError(endpoint_url="https://s3"),
    ],
    ids=lambda error: error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__,
)
def test_a_copy_whose_answer_was_lost_is_told_from_one_that_failed(copying, etag: str, error: Exception):
    """What lies at the key tells: boto3 itself may have asked again, and got 412."""

    def apply_and_fail(copy: Copy, **arguments: Any) -> None:
        copy(**arguments)
        raise error

    store = copying(apply_and_fail)
    store.copy("a", "b", etag, HASH)
    assert store.get("b") == BODY

    def fail(copy: Copy, **arguments: Any) -> None:
        raise error

    with pytest.raises(StoreError, match="s3://lake/pokelake/"):
        copying(fail).copy("a", "c", etag, HASH)
    assert store.find("c") is None


def test_a_lost_answer_does_not_hide_that_the_object_was_damaged(copying, store: Store):
    def lose(copy: Copy, **arguments: Any) -> None:
        copy(**arguments)
        raise answer("InternalError", 500)

    store.create("a", OTHER)
    [damaged] = store.list("a")
    with pytest.raises(DamagedObjectError, match="pokelake/a: "):
        copying(lose).copy("a", "b", damaged.etag, HASH)


def test_a_busy_key_is_asked_for_again_and_one_that_stays_busy_is_named(copying, etag: str):
    def busy(times: int) -> Copy:
        def copy_then(copy: Copy, **arguments: Any) -> Any:
            if store._s3.copies <= times:
                raise answer("ConditionalRequestConflict", 409)
            return copy(**arguments)

        return copy_then

    store = copying(busy(2))
    store.copy("a", "b", etag, HASH)
    assert (store._s3.copies, store.get("b")) == (3, BODY)
    store = copying(busy(9))
    with pytest.raises(StoreError, match="busy with other writes to it in 5 tries"):
        store.copy("a", "c", etag, HASH)


@pytest.mark.parametrize(("code", "status", "copies"), [("NotImplemented", 501, 1), ("AccessDenied", 403, 2)])
def test_where_copies_are_refused_objects_are_read_and_created(copying, etag: str, code: str, status: int, copies: int):
    """A store that does not know the request is asked once; a policy may judge each object otherwise."""

    def refuse(copy: Copy, **arguments: Any) -> None:
        raise answer(code, status)

    store = copying(refuse)
    for key in ("b", "c"):
        store.copy("a", key, etag, HASH)
        assert store.get(key) == BODY
    assert store._s3.copies == copies


def test_where_no_checksum_is_told_the_copy_is_read_and_later_objects_are_created(copying, store: Store, etag: str):
    def silent(copy: Copy, **arguments: Any) -> Any:
        copy(**arguments)
        return {"CopyObjectResult": {"ETag": etag}}

    quiet = copying(silent)
    quiet.copy("a", "b", etag, HASH)
    quiet.copy("a", "c", etag, HASH)
    assert (store.get("b"), store.get("c"), quiet._s3.copies) == (BODY, BODY, 1)
    store.create("d", OTHER)
    with pytest.raises(DamagedObjectError, match="pokelake/d"):
        copying(silent).copy("d", "e", etag, HASH)
    assert store.find("e") is None


def test_a_hash_is_what_s3_has_kept_or_what_is_read(store: Store, s3_client: Any, monkeypatch: pytest.MonkeyPatch):
    """An object of other hands may have no checksum, or one of the parts in which it came."""
    store.create("a", BODY)
    before = requests_to_s3()
    assert (store.hash_of("a"), store.hash_of("x")) == (HASH, None)
    assert requests_to_s3() - before == {"HeadObject": 2}
    parts = b64encode(sha256(b"parts").digest()).decode() + "-2"
    monkeypatch.setattr(s3_client, "head_object", lambda **_: {"ChecksumSHA256": parts})
    assert store.hash_of("a") == HASH


def test_a_store_that_is_down_says_so(copying, etag: str, monkeypatch: pytest.MonkeyPatch):
    def fail(copy: Copy, **arguments: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://s3")

    with pytest.raises(StoreDownError, match="s3://lake/pokelake/b: S3 could not be reached"):
        copying(fail).copy("a", "b", etag, HASH)
