"""S3 without a socket: moto answers a client's requests in this process, which takes half the time.

Most requests are plain: an object is created, fetched or deleted, or a folder is listed. Those are answered out of
moto's own objects, without signing and parsing, which takes a tenth of the rest. Moto answers all others, among them
each that must fail.
"""

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from io import BytesIO
from threading import Lock
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.response import StreamingBody
from dateutil.tz import tzutc
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3.models import FakeBucket, FakeKey, s3_backends
from moto.settings import get_s3_default_max_keys

from lake.store import CLIENT_CONFIG

Parsed = dict[str, Any]

# Of two who create one object at the same time, one comes first.
_CREATING = Lock()


@cache
def client_without_socket(s3_endpoint: str) -> Any:
    """Return the S3 client without a socket; what it writes is there for those who ask its endpoint as well."""
    moto = BotocoreStubber()
    moto.enabled = True

    def answer(event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        # Moto knows S3 by its address at AWS.
        request.url = request.url.replace(s3_endpoint, "https://s3.amazonaws.com", 1)
        return moto(event_name, request)

    def note(params: Parsed, context: Parsed, **_: Any) -> None:
        context["asked"] = {name: value for name, value in params.items() if name != "EncodingType"}

    def answer_plain(model: Any, context: Parsed, **_: Any) -> tuple[AWSResponse, Parsed] | None:
        asked = context["asked"]
        names, plain = _PLAIN.get(model.name, (frozenset(), None))
        bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(asked.get("Bucket"))
        if plain is None or asked.keys() != names or bucket is None or bucket.policy or bucket.is_versioned:
            return None
        found = plain(bucket, asked)
        if found is None:
            return None
        found["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
        return AWSResponse(s3_endpoint, 200, {}, None), found

    client = boto3.client("s3", endpoint_url=s3_endpoint, config=CLIENT_CONFIG)
    client.meta.events.register("before-send.s3", answer)
    client.meta.events.register("provide-client-params.s3", note)
    client.meta.events.register("before-call.s3", answer_plain)
    return client


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


def _get(bucket: FakeBucket, asked: Parsed) -> Parsed | None:
    key = bucket.keys.get(asked["Key"])
    if not isinstance(key, FakeKey):
        return None
    body = key.value
    return {"Body": StreamingBody(BytesIO(body), len(body)), "ContentLength": len(body), "ETag": key.etag}


def _list(bucket: FakeBucket, asked: Parsed) -> Parsed | None:
    found = sorted(name for name in list(bucket.keys) if name.startswith(asked["Prefix"]))
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


# The answers to plain requests by operation, each with the parameters that it has; None where moto must answer.
_PLAIN: dict[str, tuple[frozenset[str], Callable[[FakeBucket, Parsed], Parsed | None]]] = {
    "PutObject": (frozenset({"Bucket", "Key", "Body", "IfNoneMatch", "ChecksumAlgorithm"}), _put),
    "GetObject": (frozenset({"Bucket", "Key"}), _get),
    "ListObjectsV2": (frozenset({"Bucket", "Prefix"}), _list),
}
