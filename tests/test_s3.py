"""S3 without a socket answers plain requests as moto does, and leaves it all others."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from lake.store import CLIENT_CONFIG

BODY = bytes(range(256)) * 100


@pytest.fixture
def s3_over_http(over_http: None) -> Any:
    return boto3.client("s3", config=CLIENT_CONFIG)


def create(client: Any, key: str, body: bytes = BODY) -> Any:
    return client.put_object(Bucket="lake", Key=key, Body=body, IfNoneMatch="*", ChecksumAlgorithm="SHA256")


def said(answer: Any, *names: str) -> dict[str, Any]:
    """Return some members of an answer, with its status."""
    return {"status": answer["ResponseMetadata"]["HTTPStatusCode"], **{name: answer.get(name) for name in names}}


def test_an_object_is_created_and_fetched_as_over_http(s3_client: Any, s3_over_http: Any):
    named = ("ETag", "ChecksumSHA256")
    assert said(create(s3_client, "a"), *named) == said(create(s3_over_http, "b"), *named)
    for key in "ab":
        one, other = (client.get_object(Bucket="lake", Key=key) for client in (s3_client, s3_over_http))
        assert said(one, "ETag", "ContentLength") == said(other, "ETag", "ContentLength")
        assert one["Body"].read() == other["Body"].read() == BODY


def test_a_folder_is_listed_as_over_http(s3_client: Any, s3_over_http: Any):
    for client, key in ((s3_client, "x/b é&"), (s3_over_http, "x/a"), (s3_client, "x/10"), (s3_client, "y")):
        create(client, key)
    for prefix, after, count in (
        ("x/", {}, 3),
        ("", {}, 4),
        ("z", {}, 0),
        ("x/", {"StartAfter": "x/10"}, 2),
        ("x/", {"StartAfter": "x/100"}, 2),
        ("x/", {"StartAfter": "w"}, 3),
        ("x/", {"StartAfter": "y"}, 0),
    ):
        one, other = (
            said(client.list_objects_v2(Bucket="lake", Prefix=prefix, **after), "Contents", "KeyCount", "IsTruncated")
            for client in (s3_client, s3_over_http)
        )
        for item in (*(one["Contents"] or ()), *(other["Contents"] or ())):
            item.pop("ChecksumAlgorithm", None)
        assert one == other
        assert one["KeyCount"] == count


def test_objects_are_deleted_as_over_http(s3_client: Any, s3_over_http: Any):
    for client in (s3_client, s3_over_http):
        for key in ("x/a", "x/b", "y"):
            create(client, key)
        objects = [{"Key": key} for key in ("x/a", "none", "x/b")]
        answered = client.delete_objects(Bucket="lake", Delete={"Objects": objects, "Quiet": True})
        assert said(answered, "Errors") == {"status": 200, "Errors": None}
        assert [item["Key"] for item in client.list_objects_v2(Bucket="lake", Prefix="")["Contents"]] == ["y"]
        client.delete_objects(Bucket="lake", Delete={"Objects": [{"Key": "y"}], "Quiet": True})


def test_every_client_of_this_process_asks_without_a_socket_unless_by_another_name(
    bucket: str, monkeypatch: pytest.MonkeyPatch, over_http: None, s3_endpoint: str
):
    sent: list[str] = []
    send = URLLib3Session.send
    monkeypatch.setattr(URLLib3Session, "send", lambda self, request: sent.append(request.url) or send(self, request))
    another = boto3.client("s3", endpoint_url=s3_endpoint)
    create(another, "a")
    another.head_object(Bucket="lake", Key="a")
    assert boto3.client("ecs", endpoint_url=s3_endpoint).list_clusters()["clusterArns"] == []
    assert sent == []
    boto3.client("s3").head_object(Bucket="lake", Key="a")
    assert sent == [f"{s3_endpoint.replace('127.0.0.1', 'localhost')}/lake/a"]


@pytest.mark.parametrize(
    ("code", "ask"),
    [
        ("PreconditionFailed", lambda client: create(client, "a", b"other")),
        ("NoSuchKey", lambda client: client.get_object(Bucket="lake", Key="b")),
        ("NoSuchBucket", lambda client: client.list_objects_v2(Bucket="pond", Prefix="")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_must_fail_fails(bucket: str, s3_client: Any, code: str, ask: Any):
    create(s3_client, "a")
    with pytest.raises(ClientError) as caught:
        ask(s3_client)
    assert caught.value.response["Error"]["Code"] == code
    assert s3_client.get_object(Bucket="lake", Key="a")["Body"].read() == BODY
