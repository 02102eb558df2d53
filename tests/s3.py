"""S3 without a socket: moto answers a client's requests in this process, which takes half the time.

Most requests are plain: an object is created or fetched, or a folder is listed. Those are answered out of moto's own
objects, without the signing and parsing that takes twenty times as long. Moto answers all others, among them each that
must fail.
"""

import re
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

# Keys that mean the same in a URL, and that botocore has nothing against.
_PLAIN_KEY = re.compile(r"(?!.*//|.*\./|/)[\w/=.-]{0,900}", re.ASCII)

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

    client = boto3.client("s3", endpoint_url=s3_endpoint, config=CLIENT_CONFIG)
    client.meta.events.register("before-send.s3", answer)
    ask = client._make_api_call

    def ask_plainly(operation: str, asked: Parsed) -> Parsed:
        found = _plainly(operation, asked)
        return ask(operation, asked) if found is None else found

    client._make_api_call = ask_plainly
    return client


def _plainly(operation: str, asked: Parsed) -> Parsed | None:
    """Return the answer to a plain request; None if moto must answer it."""
    names, answer = _PLAIN.get(operation, (frozenset(), None))
    bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(asked.get("Bucket"))
    if answer is None or asked.keys() != names or bucket is None or bucket.policy or bucket.is_versioned:
        return None
    if not _PLAIN_KEY.fullmatch(asked.get("Key") or asked.get("Prefix") or ""):
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
