"""The bucket, in which an object is created once or not at all. Only this module knows boto3, `answers` its errors."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError

from lake.answers import BROKEN_BODIES, BUSY, EXISTS, MISSING, code_of, may_be_applied, translated
from lake.aws import CONNECT_SECONDS, READ_SECONDS, RETRIES, completed
from lake.bucket import check_bucket, is_found_by_region, page_of
from lake.errors import ConflictError, MissingObjectError, OversizeError, StoreError
from lake.layout import STAGING, is_odd
from lake.proxies import spare_loopback
from lake.text import shown
from lake.traffic import count_requests

if TYPE_CHECKING:
    import pyarrow.fs as pafs
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")

# Threads that write at the same time.
PARALLEL_REQUESTS = 8

# Of an object that is hashed, each thread holds as much at a time.
_PIECE_BYTES = 1 << 20

# S3 deletes at most this many objects in one request.
_DELETED_AT_ONCE = 1000

# S3 may answer 409 while another conditional write to the same key is in flight, and asks for a retry.
_CONFLICT_RETRIES = 5

# Seconds before each further try to read a body.
_WAITS = (0.2, 0.5, 1, 2)

CLIENT_CONFIG = Config(**completed())


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a listing: its key below the lake's prefix, its size in bytes, and S3's time of its creation."""

    key: str
    size: int
    modified: datetime


class Store:
    """One lake's objects in one bucket; holds the boto3 client open, and is safe to share between threads.

    Keys are relative to the prefix. Every failure of S3 becomes a `StoreError` that names the bucket, and so does a
    name that no bucket can have.
    """

    def __init__(self, bucket: str, prefix: str = "", client: "S3Client | None" = None) -> None:
        self.bucket = check_bucket(bucket)
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._s3 = client if client is not None else self._ambient_client()
        count_requests(self._s3)

    @classmethod
    def at(cls, uri: str, client: "S3Client | None" = None) -> "Store":
        """Open the lake at ``s3://bucket/prefix``; the default client takes its settings from the environment."""
        if not isinstance(uri, str):
            raise StoreError(f"{shown(repr(uri))}: expected s3://bucket/prefix as text")
        scheme, _, rest = uri.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise StoreError(f"{uri!r}: expected s3://bucket/prefix")
        return cls(bucket, prefix, client)

    def _ambient_client(self) -> "S3Client":
        import boto3

        spare_loopback()
        with self._translated(""):
            return boto3.client("s3", config=CLIENT_CONFIG)

    def create_bucket(self) -> None:
        """Create the bucket if it does not exist; for S3 on one's own machine."""
        with self._translated(""):
            self._s3.create_bucket(Bucket=self.bucket)

    def uri(self, key: str = "") -> str:
        """Return the address of a key, ``s3://bucket/prefix/key``."""
        return f"s3://{self.bucket}/{self.prefix}{key}"

    def page(self, folder: str) -> str:
        """Return the address of a folder for a browser."""
        return page_of(self.bucket, self.prefix + folder, self._s3.meta.endpoint_url, self._s3.meta.region_name)

    def create(self, key: str, body: bytes) -> None:
        """Create an object once or not at all.

        A repetition with the same content succeeds, because the answer to the first try may just have been lost.

        Raises:
            ConflictError: The object exists with other content.
        """
        for attempt in range(_CONFLICT_RETRIES):
            try:
                code = self._put_if_absent(key, body)
            except StoreError as error:
                if may_be_applied(error.__cause__) and self._holds(key, body):
                    return
                raise
            if code is None:
                return
            if code in EXISTS:
                break
            time.sleep(0.1 * 2**attempt)
        found = self.find(key)
        if found is None:
            raise StoreError(
                f"{self.uri(key)}: S3 was busy with other writes to it in {_CONFLICT_RETRIES} tries; try again"
            )
        if found != body:
            raise ConflictError(self.uri(key))

    def _holds(self, key: str, body: bytes) -> bool:
        with suppress(StoreError):
            return self.find(key) == body
        return False

    def _put_if_absent(self, key: str, body: bytes) -> str | None:
        """Create an object; return None if that was done, S3's error code if the key exists or is being written."""
        with self._translated(key):
            try:
                self._s3.put_object(
                    Bucket=self.bucket,
                    Key=self.prefix + key,
                    Body=body,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                )
            except ClientError as error:
                code = code_of(error)
                if code not in EXISTS | BUSY:
                    raise
                return code
        return None

    def find(self, key: str, limit: int | None = None) -> bytes | None:
        """Return an object's content, None if there is no such object.

        A body that is cut or damaged on its way is asked for again, as boto3 does with a request that is refused.

        Raises:
            OversizeError: It has more bytes than `limit`; they were not fetched.
        """
        return self._read(key, lambda body: body.read(), limit)

    def digest(self, key: str) -> tuple[int, str] | None:
        """Return how many bytes an object has, and their SHA-256, both as they are read; None if there is no such one.

        Of the object a piece at a time is in memory.
        """

        def read(body: "StreamingBody") -> tuple[int, str]:
            size, hashed = 0, sha256()
            for piece in body.iter_chunks(_PIECE_BYTES):
                size += len(piece)
                hashed.update(piece)
            return size, hashed.hexdigest()

        return self._read(key, read)

    def _read(self, key: str, take: Callable[["StreamingBody"], _T], limit: int | None = None) -> _T | None:
        with self._translated(key):
            for wait in (0, *_WAITS):
                time.sleep(wait)
                try:
                    answer = self._s3.get_object(Bucket=self.bucket, Key=self.prefix + key)
                except ClientError as error:
                    if code_of(error) in MISSING:
                        return None
                    raise
                with closing(answer["Body"]) as body:
                    if limit is not None and answer["ContentLength"] > limit:
                        raise OversizeError(self.uri(key), limit, answer["ContentLength"])
                    try:
                        return take(body)
                    except BROKEN_BODIES as error:
                        broken = error
            raise broken

    def get(self, key: str, limit: int | None = None) -> bytes:
        """Return an object's content as `find` does, and raise `MissingObjectError` if there is no such object."""
        body = self.find(key, limit)
        if body is None:
            raise MissingObjectError(self.uri(key))
        return body

    def list(self, folder: str) -> Iterator[StoredObject]:
        """Yield the objects whose keys start with `folder`, in the order of their keys."""
        return (item for item in self._listed(folder, "") if isinstance(item, StoredObject))

    def top(self) -> Iterator[StoredObject | str]:
        """Yield the lake's folders, with their slash, and the objects that lie in none; no folder is looked into."""
        return self._listed("", "/")

    def _listed(self, folder: str, delimiter: str) -> Iterator[StoredObject | str]:
        asked: Any = {"Bucket": self.bucket, "Prefix": self.prefix + folder}
        asked |= {"Delimiter": delimiter} if delimiter else {}
        with self._translated(folder):
            for page in self._s3.get_paginator("list_objects_v2").paginate(**asked):
                yield from (one["Prefix"].removeprefix(self.prefix) for one in page.get("CommonPrefixes", ()))
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self.prefix)
                    yield StoredObject(key, item["Size"], item["LastModified"])

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that do not exist are skipped."""
        every = list(keys)
        for key in filter(is_odd, every):
            with self._translated(key):
                self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + key)
        pending = (key for key in every if not is_odd(key))
        while batch := list(islice(pending, _DELETED_AT_ONCE)):
            objects: Any = [{"Key": self.prefix + key} for key in batch]
            with self._translated(batch[0]):
                answer = self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
            if refused := answer.get("Errors"):
                facts = f"S3 answered {refused[0].get('Code')}: {refused[0].get('Message')}"
                raise StoreError(
                    f"{self.uri()}: {len(refused)} objects could not be deleted, {refused[0]['Key']}: {facts}"
                )

    @cached_property
    def _region(self) -> str:
        """The bucket's region; S3 names it even to someone who may only see a folder of the bucket."""
        with self._translated(""):
            try:
                answer: Any = self._s3.head_bucket(Bucket=self.bucket)
            except ClientError as error:
                answer = error.response
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        return str(headers.get("x-amz-bucket-region", self._s3.meta.region_name))

    def filesystem(self) -> "pafs.S3FileSystem":
        """Return pyarrow's file system, for readers that fetch parts of files; its paths begin with the bucket.

        It has the client's endpoint and current credentials. It has the bucket's own region because pyarrow, unlike
        boto3, does not follow a redirect to another region.
        """
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        with self._translated(""):
            # The client has no public name for its credentials; boto3's own `crt` asks in the same way.
            provider = self._s3._get_credentials()  # type: ignore[attr-defined]
            credentials = provider.get_frozen_credentials() if provider else None
        endpoint = urlsplit(self._s3.meta.endpoint_url)
        return S3FileSystem(
            access_key=credentials.access_key if credentials else None,
            secret_key=credentials.secret_key if credentials else None,
            session_token=credentials.token if credentials else None,
            anonymous=credentials is None,
            region=self._region,
            scheme=endpoint.scheme,
            endpoint_override=None if is_found_by_region(endpoint.hostname or "") else endpoint.netloc,
            connect_timeout=CONNECT_SECONDS,
            request_timeout=READ_SECONDS,
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=RETRIES),
        )

    def probe(self) -> None:
        """Prove that this lake can write, read and delete in the bucket, and that the bucket refuses to overwrite.

        Raises:
            StoreError: One of these does not hold; a store that ignores ``If-None-Match`` cannot hold a lake.
        """
        key = f"{STAGING}probe-{secrets.token_hex(8)}"
        self.create(key, b"first")
        try:
            with self._translated(key):
                refused = self._put_if_absent(key, b"second") is not None
            if not refused or self.get(key) != b"first":
                raise StoreError(
                    f"{self.uri()}: expected conditional writes (If-None-Match) to be honoured, found an object"
                    " overwritten; use S3 itself or a compatible store that supports them"
                )
        finally:
            self.delete([key])

    def _translated(self, key: str) -> AbstractContextManager[None]:
        """Turn boto3's errors into a `StoreError` that names the place and the way out."""
        return translated(self.uri(key), self.bucket)
