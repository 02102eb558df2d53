"""The objects of a lake as they are read: found, hashed, listed, and opened for pyarrow."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError

from lake.answers import BROKEN_BODIES, MISSING, code_of, hex_of, translated
from lake.aws import CONNECT_SECONDS, READ_SECONDS, RETRIES, completed
from lake.bucket import check_bucket, is_found_by_region, is_of_aws, page_of
from lake.errors import DamagedObjectError, MissingObjectError, OversizeError, StoreError
from lake.proxies import spare_loopback
from lake.text import shown
from lake.traffic import count_requests

if TYPE_CHECKING:
    import pyarrow.fs as pafs
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")

# How often an object is fetched that came with another content than it should have: the damage may be of the way.
FETCHES = 4

# Of an object that is hashed, each thread holds as much at a time.
_PIECE_BYTES = 1 << 20

# Seconds before each further try to read a body.
_WAITS = (0.2, 0.5, 1, 2)

CLIENT_CONFIG = Config(**completed())


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a listing: its key below the lake's prefix, its bytes, S3's time of its creation, and its ETag."""

    key: str
    size: int
    modified: datetime
    etag: str = ""


class Objects:
    """One lake's objects in one bucket, to be read; holds the boto3 client open, and threads may share it.

    Keys are relative to the prefix. Every failure of S3 becomes a `StoreError` that names the bucket, and so does a
    name that no bucket can have.
    """

    def __init__(self, bucket: str, prefix: str = "", client: "S3Client | None" = None) -> None:
        self.bucket = check_bucket(bucket)
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._s3 = client if client is not None else self._ambient_client()
        count_requests(self._s3)

    @classmethod
    def at(cls, uri: str, client: "S3Client | None" = None) -> Self:
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
            try:
                return boto3.client("s3", config=CLIENT_CONFIG)
            except ValueError as error:
                # botocore says so of an address, be it from the environment or from AWS's own files.
                raise StoreError(
                    f"{self.uri()}: set AWS_ENDPOINT_URL to an address such as https://s3.example.org: {error}"
                ) from error

    def client(self, service: str) -> Any:
        """Return a client of another service of AWS, in the region of this lake's client and with its credentials.

        Another S3 than that of AWS has the other services at its own address, or has none.
        """
        import boto3

        with self._translated(""):
            own = self._s3.meta
            provider = self._s3._get_credentials()  # type: ignore[attr-defined]
            keys = provider.get_frozen_credentials() if provider else None
            make: Any = boto3.client
            return make(
                service,
                # S3 alone takes requests without a region.
                region_name=self._region if own.region_name == "aws-global" else own.region_name,
                endpoint_url=None if is_of_aws(urlsplit(own.endpoint_url).hostname or "") else own.endpoint_url,
                aws_access_key_id=keys.access_key if keys else None,
                aws_secret_access_key=keys.secret_key if keys else None,
                aws_session_token=keys.token if keys else None,
                config=CLIENT_CONFIG,
            )

    def uri(self, key: str = "") -> str:
        """Return the address of a key, ``s3://bucket/prefix/key``."""
        return f"s3://{self.bucket}/{self.prefix}{key}"

    def page(self, folder: str) -> str:
        """Return the address of a folder, or of one object, for a browser."""
        return page_of(self.bucket, self.prefix + folder, self._s3.meta.endpoint_url, self._s3.meta.region_name)

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

    def hash_of(self, key: str) -> str | None:
        """Return the SHA-256 of an object's content as S3 has kept it, or else as it is read; None if there is none."""
        with self._translated(key):
            try:
                answer = self._s3.head_object(Bucket=self.bucket, Key=self.prefix + key, ChecksumMode="ENABLED")
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
        kept = hex_of(answer.get("ChecksumSHA256"))
        if kept is not None:
            return kept
        found = self.digest(key)
        return found and found[1]

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

    def whole(self, key: str, hash_: str, limit: int | None = None) -> bytes:
        """Return the content of an object of a published snapshot, which has this SHA-256 in its commit.

        Raises:
            DamagedObjectError: It has another content.
            MissingObjectError: It is gone.
        """
        for _ in range(FETCHES):
            body = self.get(key, limit)
            if sha256(body).hexdigest() == hash_:
                return body
        raise DamagedObjectError(self.uri(key), hash_)

    def list(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        """Yield the objects whose keys start with `folder`, or of them those after a key, in the order of their keys.

        A thousand at most are one request, which is sent when they are asked for.
        """
        return (item for item in self._listed(folder, "", after) if isinstance(item, StoredObject))

    def top(self) -> Iterator[StoredObject | str]:
        """Yield the lake's folders, with their slash, and the objects that lie in none; no folder is looked into."""
        return self._listed("", "/")

    def _listed(self, folder: str, delimiter: str, after: str = "") -> Iterator[StoredObject | str]:
        asked: Any = {"Bucket": self.bucket, "Prefix": self.prefix + folder}
        asked |= {"Delimiter": delimiter} if delimiter else {}
        asked |= {"StartAfter": self.prefix + after} if after else {}
        with self._translated(folder):
            for page in self._s3.get_paginator("list_objects_v2").paginate(**asked):
                yield from (one["Prefix"].removeprefix(self.prefix) for one in page.get("CommonPrefixes", ()))
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self.prefix)
                    yield StoredObject(key, item["Size"], item["LastModified"], item.get("ETag", ""))

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

    def _translated(self, key: str) -> AbstractContextManager[None]:
        """Turn boto3's errors into a `StoreError` that names the place and the way out."""
        return translated(self.uri(key), self.bucket)
