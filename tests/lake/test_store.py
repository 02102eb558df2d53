"""The bucket: an object is created once or not at all, and every failure says in one paragraph where and what to do."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from lake.errors import ConflictError, MissingObjectError, StoreError
from lake.store import Store

IMPATIENT = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=1)


class Wrapped:
    """An S3 client whose `put_object` is `put`, which is given the real one; all else is real."""

    def __init__(self, put: Callable[..., object]) -> None:
        self._client = boto3.client("s3")
        self._put = put
        self.puts = 0

    def __getattr__(self, name):
        return getattr(self._client, name)

    def put_object(self, **arguments):
        self.puts += 1
        return self._put(self._client.put_object, **arguments)


def answer(code: str, status: int) -> ClientError:
    """Return the error that boto3 raises for an answer of S3."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")


def is_one_paragraph_about(message: str, bucket: str) -> bool:
    return f"s3://{bucket}/" in message and "\n" not in message and "Traceback" not in message


def test_what_was_created_reads_back_byte_for_byte(store):
    body = bytes(range(256))
    store.create("a/b", body)
    assert store.get("a/b") == body


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


def test_an_empty_object_is_an_object(store):
    store.create("a", b"")
    assert store.find("a") == b""
    with pytest.raises(ConflictError):
        store.create("a", b"ditto")


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


def test_a_missing_object_is_none_or_an_error_with_its_uri(store):
    assert store.find("a") is None
    with pytest.raises(MissingObjectError, match="s3://lake/pokelake/a: expected an object") as caught:
        store.get("a")
    assert caught.value.uri == "s3://lake/pokelake/a"


def test_a_listing_has_the_keys_below_a_folder_in_order_with_their_sizes(store):
    for key, body in {"b/2": b"22", "b/1": b"1", "c/1": b"", "b/10": b"10"}.items():
        store.create(key, body)
    assert [(item.key, item.size) for item in store.list("b/")] == [("b/1", 1), ("b/10", 2), ("b/2", 2)]
    assert all(item.modified.tzinfo for item in store.list(""))


def test_a_listing_goes_on_past_the_first_page(store, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    for number in range(5):
        store.create(f"b/{number}", b"")
    assert [item.key for item in store.list("b/")] == ["b/0", "b/1", "b/2", "b/3", "b/4"]


def test_deleting_passes_over_what_does_not_exist(store):
    store.create("a", b"1")
    store.delete(["missing", "a"])
    assert store.find("a") is None


def test_two_lakes_in_one_bucket_do_not_see_each_other(bucket):
    one, other = Store(bucket, "one"), Store(bucket, "two")
    one.create("a", b"1")
    other.create("a", b"2")
    assert [item.key for item in one.list("")] == ["a"]
    assert one.get("a") == b"1"


@pytest.mark.parametrize(
    ("uri", "prefix"), [("s3://lake", ""), ("s3://lake/", ""), ("s3://lake/a/b", "a/b/"), ("s3://lake/a/b/", "a/b/")]
)
def test_a_lake_is_opened_by_its_uri(bucket, uri, prefix):
    store = Store.at(uri)
    assert (store.bucket, store.prefix, store.uri("x")) == ("lake", prefix, f"s3://lake/{prefix}x")


@pytest.mark.parametrize("uri", ["", "lake", "lake/prefix", "s3://", "s3:///prefix", "https://lake/prefix"])
def test_what_is_no_uri_of_a_lake_is_refused(uri):
    with pytest.raises(StoreError, match=f"^{re.escape(repr(uri))}: expected s3://bucket/prefix"):
        Store.at(uri)


def test_the_probe_passes_on_a_store_that_honours_conditions_and_leaves_nothing(store):
    store.probe()
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


ACTS = {
    "create": lambda store: store.create("a", b"1"),
    "find": lambda store: store.find("a"),
    "list": lambda store: list(store.list("")),
    "delete": lambda store: store.delete(["a"]),
    "probe": lambda store: store.probe(),
}


@pytest.fixture(params=ACTS)
def act(request) -> Callable[[Store], object]:
    """Everything that a store does over the network."""
    return ACTS[request.param]


def test_a_missing_bucket_is_named(bucket, act):
    with pytest.raises(StoreError, match="there is no bucket 'no-such-lake'; create it or name another") as caught:
        act(Store("no-such-lake", "pokelake"))
    assert is_one_paragraph_about(str(caught.value), "no-such-lake")


def test_missing_credentials_are_named_with_the_ways_to_give_them(bucket, act, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for variable in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))
    # Not the default session, which remembers the credentials of tests before.
    client = boto3.session.Session().client("s3")
    with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID") as caught:
        act(Store(bucket, "pokelake", client))
    assert is_one_paragraph_about(str(caught.value), bucket)


def test_an_unreachable_endpoint_is_named(bucket, act):
    client = boto3.client("s3", endpoint_url="http://127.0.0.1:9", config=IMPATIENT)
    with pytest.raises(StoreError, match=r"could not be reached.*http://127\.0\.0\.1:9") as caught:
        act(Store(bucket, "pokelake", client))
    assert is_one_paragraph_about(str(caught.value), bucket)


def test_a_request_that_never_left_is_not_read_back(bucket):
    """An endpoint that cannot be reached would be waited for twice."""

    def unreachable(put, **arguments):
        raise EndpointConnectionError(endpoint_url="https://s3")

    client = Wrapped(unreachable)
    client.get_object = None
    with pytest.raises(StoreError, match="could not be reached"):
        Store(bucket, client=client).create("a", b"pikachu")


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_a_refused_request_points_at_credentials_and_policy(bucket, code):
    def refuse(put, **arguments):
        raise answer(code, 403)

    with pytest.raises(StoreError, match=f"refused the request \\({code}\\); check the credentials") as caught:
        Store(bucket, client=Wrapped(refuse)).create("a", b"1")
    assert is_one_paragraph_about(str(caught.value), bucket)


def test_a_name_that_no_bucket_can_have_is_refused_in_one_paragraph(bucket):
    with pytest.raises(StoreError, match="Invalid bucket name") as caught:
        Store("arn:aws:s3:nowhere").find("a")
    assert is_one_paragraph_about(str(caught.value), "arn:aws:s3:nowhere")


def test_a_profile_that_does_not_exist_is_named(bucket, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "team-rocket")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(StoreError, match="team-rocket") as caught:
        Store(bucket)
    assert is_one_paragraph_about(str(caught.value), bucket)


def filesystem_options(store: Store) -> dict[str, object]:
    """Return what a store's pyarrow filesystem was opened with, as it would tell another process."""
    return store.filesystem().__reduce__()[1][0]


def test_pyarrow_reads_with_the_credentials_of_the_client(bucket, s3_endpoint, monkeypatch):
    """Those that were given to it, not those of the environment; the token is a role's."""
    client = boto3.client(
        "s3",
        endpoint_url=s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id="ash",
        aws_secret_access_key="ketchum",
        aws_session_token="role",
    )
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    store = Store(bucket, "pokelake", client)
    store.create("a", b"pikachu")
    with store.filesystem().open_input_file("lake/pokelake/a") as file:
        assert file.read() == b"pikachu"
    options = filesystem_options(store)
    given = [options[name] for name in ("access_key", "secret_key", "session_token")]
    assert given == ["ash", "ketchum", "role"]


def test_pyarrow_looks_for_the_bucket_in_its_own_region(bucket):
    """boto3 follows S3 to another region, pyarrow does not."""
    boto3.client("s3").create_bucket(Bucket="kanto", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert filesystem_options(Store("kanto"))["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("endpoint", "override"),
    [
        (None, ""),
        ("https://s3.eu-west-1.amazonaws.com", ""),
        (
            "https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com",
            "bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com",
        ),
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
    ],
)
def test_pyarrow_goes_to_the_endpoint_of_the_client(bucket, monkeypatch, endpoint, override):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    client = boto3.client("s3", region_name="eu-west-1", endpoint_url=endpoint)
    monkeypatch.setattr(client, "head_bucket", lambda **_: {"ResponseMetadata": {}})
    options = filesystem_options(Store("lake", client=client))
    assert (options["endpoint_override"], options["region"]) == (override, "eu-west-1")


def test_the_region_is_known_to_those_who_may_only_see_a_folder(bucket, monkeypatch):
    def refuse(**arguments):
        error = answer("403", 403)
        error.response["ResponseMetadata"]["HTTPHeaders"] = {"x-amz-bucket-region": "eu-west-1"}
        raise error

    client = boto3.client("s3")
    monkeypatch.setattr(client, "head_bucket", refuse)
    assert filesystem_options(Store("lake", client=client))["region"] == "eu-west-1"
