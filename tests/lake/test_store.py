"""The bucket: what is created reads back, is listed and is deleted, and pyarrow reads it too."""

import re

import boto3
import pytest

from lake.errors import ConflictError, MissingObjectError, StoreError
from lake.store import Store
from tests.lake import answer

pytestmark = pytest.mark.usefixtures("over_http")


@pytest.fixture
def store(bucket: str) -> Store:
    """Open an empty lake over HTTP, as no test of what lies above this does."""
    return Store(bucket, "pokelake")


def test_what_was_created_reads_back_byte_for_byte(store):
    body = bytes(range(256))
    store.create("a/b", body)
    assert store.get("a/b") == body


def test_an_empty_object_is_an_object(store):
    store.create("a", b"")
    assert store.find("a") == b""
    with pytest.raises(ConflictError):
        store.create("a", b"ditto")


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
