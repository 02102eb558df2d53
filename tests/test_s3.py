"""S3 without a socket answers plain requests as moto does, and leaves it all others."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lake.store import CLIENT_CONFIG

BODY = bytes(range(256)) * 100


@pytest.fixture
def s3_over_http(bucket: str) -> Any:
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
    for prefix, count in (("x/", 3), ("", 4), ("z", 0)):
        one, other = (
            said(client.list_objects_v2(Bucket="lake", Prefix=prefix), "Contents", "KeyCount", "IsTruncated")
            for client in (s3_client, s3_over_http)
        )
        for item in (*(one["Contents"] or ()), *(other["Contents"] or ())):
            item.pop("ChecksumAlgorithm", None)
        assert one == other
        assert one["KeyCount"] == count


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
