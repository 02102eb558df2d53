"""S3, ECS and Glue without a socket: moto answers the clients of this process within it, which takes half the time.

Most requests to S3 are plain: an object is created, copied or fetched, a folder is listed, objects are deleted. Those
are answered out of moto's own objects, without the signing and parsing that takes twenty times as long. Moto answers
all others, among them each that must fail; but it knows no conditions of copies, so those are kept here.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from io import BytesIO
from threading import Lock
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.response import StreamingBody
from dateutil.tz import tzutc
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3.models import FakeBucket, FakeKey, s3_backends
from moto.settings import get_s3_default_max_keys

from lake import traffic
from lake.store import CLIENT_CONFIG

Parsed = dict[str, Any]

# Keys that mean the same in a URL, and that botocore has nothing against.
_PLAIN_KEY = re.compile(r"(?!.*//|.*\./|/)[\w/=.-]{0,900}", re.ASCII)

# Moto knows a service by its address at AWS.
_AT_AWS = {
    "s3": "https://s3.amazonaws.com",
    "ecs": "https://ecs.us-east-1.amazonaws.com",
    "glue": "https://glue.us-east-1.amazonaws.com",
}

# Of two who create one object at the same time, one comes first.
_CREATING = Lock()


@contextmanager
def without_sockets(s3_endpoint: str) -> Iterator[None]:
    """Have clients of S3, ECS and Glue that are made meanwhile for moto's endpoint ask moto in this process.

    What they write is there for those who ask over HTTP as well, be it by another name of the endpoint.
    """
    moto = BotocoreStubber()
    moto.enabled = True

    def answer(event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if not request.url.startswith(f"{s3_endpoint}/"):
            return None
        request.url = request.url.replace(s3_endpoint, _AT_AWS[event_name.split(".")[1]], 1)
        return moto(event_name, request)

    def ask_plainly(class_attributes: dict[str, Any], **_: Any) -> None:
        def make_call(client: Any, operation: str, asked: Parsed) -> Parsed:
            found = _plainly(operation, asked) if client.meta.endpoint_url == s3_endpoint else None
            if found is None:
                return BaseClient._make_api_call(client, operation, asked)
            traffic._count(operation)
            return found

        class_attributes["_make_api_call"] = make_call

    handlers = [("creating-client-class.s3", ask_plainly), *((f"before-send.{name}", answer) for name in _AT_AWS)]
    BUILTIN_HANDLERS.extend(handlers)
    boto3.DEFAULT_SESSION = None
    yield
    boto3.DEFAULT_SESSION = None
    for handler in handlers:
        BUILTIN_HANDLERS.remove(handler)


@cache
def client_without_socket(s3_endpoint: str) -> Any:
    """Return the one S3 client of all who need none of their own."""
    return boto3.client("s3", endpoint_url=s3_endpoint, config=CLIENT_CONFIG)


def create_bucket(name: str) -> None:
    """Create a bucket that does not exist, in a twentieth of the time that a request for it takes."""
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(name, "us-east-1")


def _plainly(operation: str, asked: Parsed) -> Parsed | None:
    """Return the answer to a plain request; None if moto must answer it."""
    names, answer = _PLAIN.get(operation, (frozenset(), None))
    if answer is None or asked.keys() - _MAY_HAVE != names:
        return None
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    bucket = backend.buckets.get(asked["Bucket"])
    if bucket is None or bucket.policy or bucket.is_versioned:
        return None
    if not all(_PLAIN_KEY.fullmatch(asked.get(name) or "") for name in ("Key", "Prefix", "StartAfter")):
        return None
    found = answer(bucket, asked)
    return found and {**found, "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}}


def _put(bucket: FakeBucket, asked: Parsed) -> Parsed | None:
    body = asked["Body"]
    if asked["IfNoneMatch"] != "*" or asked["ChecksumAlgorithm"] != "SHA256" or not isinstance(body, bytes):
        return None
    checksum = b64encode(sha256(body).digest()).decode()
    with _CREATING:
        if asked["Key"] in bucket.keys:
            return None
        put = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object
        key = put(bucket.name, asked["Key"], body, storage="STANDARD", checksum_value=checksum)
    key.checksum_algorithm = "SHA256"
    return {"ETag": key.etag, "ChecksumSHA256": checksum}


def _copy(bucket: FakeBucket, asked: Parsed) -> Parsed | None:
    """Copy an object as S3 does; moto would ignore both conditions."""
    source, target = asked["CopySource"], asked["Key"]
    key = bucket.keys.get(source["Key"]) if source["Bucket"] == bucket.name else None
    if asked["IfNoneMatch"] != "*" or asked["ChecksumAlgorithm"] != "SHA256" or not isinstance(key, FakeKey):
        return None
    with _CREATING:
        if target in bucket.keys or asked["CopySourceIfMatch"] != key.etag:
            raise ClientError(
                {"Error": {"Code": "PreconditionFailed"}, "ResponseMetadata": {"HTTPStatusCode": 412}}, "CopyObject"
            )
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].copy_object(key, bucket.name, target, "STANDARD")
    made = bucket.keys[target]
    made.checksum_algorithm, made.checksum_value = "SHA256", b64encode(sha256(made.value).digest()).decode()
    return {"CopyObjectResult": {"ETag": made.etag, "ChecksumSHA256": made.checksum_value}}


def _get(bucket: FakeBucket, asked: Parsed) -> Parsed | None:
    key = bucket.keys.get(asked["Key"])
    if not isinstance(key, FakeKey):
        return None
    body = key.value
    return {"Body": StreamingBody(BytesIO(body), len(body)), "ContentLength": len(body), "ETag": key.etag}


def _list(bucket: FakeBucket, asked: Parsed) -> Parsed | None:
    after = asked.get("StartAfter", "")
    found = sorted(name for name in list(bucket.keys) if name.startswith(asked["Prefix"]) and name > after)
    if len(found) > get_s3_default_max_keys():
        return None
    keys = [key for name in found if isinstance(key := bucket.keys.get(name), FakeKey)]
    contents = [
        {
            "Key": key.name,
            "Size": key.size,
            "LastModified": key.last_modified.replace(microsecond=0, tzinfo=tzutc()),
            "ETag": key.etag,
            "StorageClass": key.storage_class,
        }
        for key in keys
    ]
    return {"IsTruncated": False, "KeyCount": len(keys), **({"Contents": contents} if keys else {})}


def _delete(bucket: FakeBucket, asked: Parsed) -> Parsed | None:
    objects = asked["Delete"]["Objects"]
    if not objects or any(item.keys() != {"Key"} or not _PLAIN_KEY.fullmatch(item["Key"]) for item in objects):
        return None
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].delete_objects(bucket.name, objects)
    return {"Deleted": objects}


# What a listing may be asked for besides; nothing else has it.
_MAY_HAVE = frozenset({"StartAfter"})

# The answers to plain requests by operation, each with the parameters that it has; None where moto must answer.
_PLAIN: dict[str, tuple[frozenset[str], Callable[[FakeBucket, Parsed], Parsed | None]]] = {
    "PutObject": (frozenset({"Bucket", "Key", "Body", "IfNoneMatch", "ChecksumAlgorithm"}), _put),
    "CopyObject": (
        frozenset({"Bucket", "Key", "CopySource", "CopySourceIfMatch", "IfNoneMatch", "ChecksumAlgorithm"}),
        _copy,
    ),
    "GetObject": (frozenset({"Bucket", "Key"}), _get),
    "ListObjectsV2": (frozenset({"Bucket", "Prefix"}), _list),
    "DeleteObjects": (frozenset({"Bucket", "Delete"}), _delete),
}
