"""The bucket: an object is created once or not at all, whoever else writes and whatever answer is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from lake.errors import ConflictError, StoreError
from lake.store import Store
from tests.lake import Wrapped, answer, is_one_paragraph_about

pytestmark = pytest.mark.usefixtures("over_http")


@pytest.fixture
def store(bucket: str) -> Store:
    """Open an empty lake over HTTP, as no test of what lies above this does."""
    return Store(bucket, "pokelake")


def test_an_object_that_exists_keeps_its_content(store):
    store.create("commits/1", b"pikachu")
    with pytest.raises(ConflictError) as caught:
        store.create("commits/1", b"ditto")
    assert caught.value.uri == "s3://lake/pokelake/commits/1"
    assert store.get("commits/1") == b"pikachu"


def test_a_creation_repeated_with_the_same_content_succeeds(store):
    store.create("a", b"pikachu")
    store.create("a", b"pikachu")
    assert store.get("a") == b"pikachu"


def test_of_sixteen_racing_writers_one_wins(store):
    start = threading.Barrier(16)

    def race(number: int) -> bool:
        start.wait()
        try:
            store.create("commits/1", b"%d" % number)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(race, range(16)))
    assert won.count(True) == 1
    assert store.get("commits/1") == b"%d" % won.index(True)


@pytest.mark.parametrize(
    "error",
    [
        answer("InternalError", 500),
        answer("ServiceUnavailable", 503),
        answer("ConditionalRequestConflict", 409),
        ReadTimeoutError(endpoint_url="https://s3"),
        ConnectionClosedError(endpoint_url="https://s3"),
    ],
    ids=lambda error: str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__,
)
def test_a_write_whose_answer_was_lost_is_told_from_one_that_failed(bucket, error):
    def apply_and_fail(put, **arguments):
        put(**arguments)
        raise error

    store = Store(bucket, client=Wrapped(apply_and_fail))
    store.create("a", b"pikachu")
    assert store.get("a") == b"pikachu"


@pytest.mark.parametrize("error", [answer("InternalError", 500), ReadTimeoutError(endpoint_url="https://s3")])
def test_a_write_that_was_not_applied_fails(bucket, error):
    def fail(put, **arguments):
        raise error

    store = Store(bucket, client=Wrapped(fail))
    with pytest.raises(StoreError, match="s3://lake/a: S3"):
        store.create("a", b"pikachu")
    assert store.find("a") is None


def test_a_lost_answer_does_not_turn_the_content_of_another_writer_into_ours(bucket):
    def lose_the_race_and_the_answer(put, **arguments):
        put(**{**arguments, "Body": b"ditto"})
        raise answer("InternalError", 500)

    with pytest.raises(StoreError):
        Store(bucket, client=Wrapped(lose_the_race_and_the_answer)).create("a", b"pikachu")


def test_a_busy_key_is_asked_for_again(bucket):
    """S3 answers 409 while another conditional write is in flight, whatever becomes of that."""

    def busy_twice(put, **arguments):
        if client.puts <= 2:
            raise answer("ConditionalRequestConflict", 409)
        return put(**arguments)

    client = Wrapped(busy_twice)
    store = Store(bucket, client=client)
    store.create("a", b"pikachu")
    assert (client.puts, store.get("a")) == (3, b"pikachu")


def test_a_key_that_stays_busy_is_no_conflict(bucket, monkeypatch):
    """A conflict would say that another writer's object is there."""

    def busy(put, **arguments):
        raise answer("ConditionalRequestConflict", 409)

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(StoreError, match="busy with other writes to it in 5 tries") as caught:
        Store(bucket, client=Wrapped(busy)).create("a", b"pikachu")
    assert not isinstance(caught.value, ConflictError)


def test_the_probe_passes_on_a_store_that_honours_conditions_and_leaves_nothing(store):
    store.probe()
    store.probe(lambda: store.create("results/probe-1", b"") or ["results/probe-1"])
    assert list(store.list("")) == []


def test_the_probe_refuses_a_store_that_ignores_if_none_match(bucket):
    """Two writers would overwrite each other's commits there."""

    def overwrite(put, **arguments):
        del arguments["IfNoneMatch"]
        return put(**arguments)

    store = Store(bucket, "pokelake", Wrapped(overwrite))
    with pytest.raises(StoreError, match="If-None-Match") as caught:
        store.probe()
    assert is_one_paragraph_about(str(caught.value), bucket)
    assert list(store.list("")) == []


def test_the_probe_refuses_a_store_that_says_no_and_overwrites_all_the_same(bucket):
    def overwrite_and_refuse(put, **arguments):
        del arguments["IfNoneMatch"]
        put(**arguments)
        if client.puts > 1:
            raise answer("PreconditionFailed", 412)

    client = Wrapped(overwrite_and_refuse)
    with pytest.raises(StoreError, match="overwritten"):
        Store(bucket, client=client).probe()
