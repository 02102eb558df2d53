"""Tests of the lake."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import boto3
import pyarrow as pa
from botocore.exceptions import ClientError

from lake.assemble.packed import Packer
from lake.documents import SCHEMA, to_arrow
from lake.layout import SCHEMAS, SNAPSHOTS
from lake.resource import Document
from lake.store import Store

NOON = datetime(2026, 8, 8, 12, tzinfo=UTC)

# The rows of no document.
NOTHING = SCHEMA.empty_table()


def keys(store: Store, folder: str = "") -> set[str]:
    """Return the keys of everything in a folder."""
    return {item.key for item in store.list(folder)}


def snapshots_of(keys: Iterable[str]) -> set[str]:
    """Return the names of the snapshots that some of these keys are of."""
    return {key.split("/")[1] for key in keys if key.startswith(SNAPSHOTS) and not key.startswith(SCHEMAS)}


def document(id_: int, body: str = "{}", minutes: int = 0, path: str | None = None) -> Document:
    """Return a document that was fetched so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    return Document("pokemon", id_, path or f"pokemon/{id_}", f'"{id_}"', at, body.encode())


def table(*documents: Document) -> pa.Table:
    """Return documents as the rows of a snapshot."""
    return to_arrow(documents)


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
    """Say whether a message names its bucket, in one paragraph without a traceback."""
    return f"s3://{bucket}/" in message and "\n" not in message and "Traceback" not in message


def pack(rows: pa.Table) -> bytes:
    """Return documents as the Parquet of a staged shard."""
    packer = Packer()
    packer.add(rows)
    return packer.close()
