"""Prefect's small results in the bucket: a run proves that they work, believes only its own kind, and forgets them."""

import secrets
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from prefect import get_run_logger
from prefect.serializers import JSONSerializer
from prefect_aws import S3Bucket

from blocks.credentials import hardened
from lake.assemble.staging import Manifest
from lake.crawl import Listing
from lake.errors import StoreError
from lake.layout import LISTING_RESULTS, RESULTS, SHARD_RESULTS
from lake.store import Store

# Listings that are longer are no source's: PokeAPI's are 2.4 MB as JSON, and 0.3 MB packed.
_MOST_LISTING_BYTES = 1 << 30

# Prefect's own default makes objects of whatever class a member `__class__` names.
PLAIN_JSON: JSONSerializer[Any] = JSONSerializer(object_encoder=None, object_decoder=None)


class _Serializer(msgspec.Struct):
    type: Literal["json"]


class _Metadata(msgspec.Struct):
    serializer: _Serializer
    # Prefect compares it with a time that has a zone.
    expiration: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Record(msgspec.Struct):
    metadata: _Metadata
    result: str


def readable(path: str, body: bytes) -> bytes:
    """Return a stored record as Prefect may read it: written anew from its own members, checked against their types.

    Prefect obeys the serializer that a record names, and some of them run code: by such a record, whoever can write to
    the bucket could run code in every crawl.

    Raises:
        ValueError: It is not one of this lake's records; the message says what is wrong.
    """
    checked = next((read for folder, read in _CHECKED.items() if path.startswith(folder)), None)
    if checked is None:
        raise ValueError(f"expected results in {' or '.join(_CHECKED)}")
    try:
        record = msgspec.json.decode(body, type=_Record)
        result = checked(record.result)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"expected a result as JSON: {error}") from error
    metadata = {"serializer": PLAIN_JSON.model_dump(), "expiration": record.metadata.expiration}
    return msgspec.json.encode({"metadata": metadata, "result": msgspec.json.encode(result).decode()})


def pack_listings(listings: Sequence[Listing]) -> str:
    """Return listings as a small text, which is what a task's result keeps of them."""
    return b64encode(zlib.compress(msgspec.json.encode(listings))).decode()


def unpack_listings(text: str) -> list[Listing]:
    """Return the listings of a text, and raise `ValueError` if it has none."""
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(b64decode(text, validate=True), _MOST_LISTING_BYTES)
        if not unpacking.eof:
            raise ValueError(f"expected packed listings of at most {_MOST_LISTING_BYTES} bytes")
        return msgspec.json.decode(body, type=list[Listing])
    except (zlib.error, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"expected packed listings: {error}") from error


def _packed(result: str) -> str:
    """Return the packed listings that a result is, and raise `ValueError` if it is none."""
    text = msgspec.json.decode(result, type=str)
    unpack_listings(text)
    return text


# What reads the result below each folder; Prefect's cache keys of batches and of listings begin with its name.
_CHECKED: Mapping[str, Callable[[str], Any]] = {
    SHARD_RESULTS: msgspec.json.Decoder(list[Manifest]).decode,
    LISTING_RESULTS: _packed,
}


class Results(S3Bucket):
    """The block of Prefect's results; a record that is none of this lake's is for Prefect as if it were not there."""

    # A name of its own, because Prefect would load every saved bucket as the last class with that of `S3Bucket`.
    _block_type_name = "Pokélake Results"

    @classmethod
    def of(cls, saved: S3Bucket) -> Self:
        """Return a saved block as one that reads with care."""
        credentials = hardened(saved.credentials)
        block = cls(bucket_name=saved.bucket_name, bucket_folder=saved.bucket_folder, credentials=credentials)
        # Prefect takes only saved blocks for its results.
        block._block_document_id = saved._block_document_id
        block._block_document_name = saved._block_document_name
        return block

    # The one place through which both of the block's ways to read go, with and without an event loop.
    def _read_sync(self, key: str) -> bytes:
        body = super()._read_sync(key)
        try:
            return readable(key.removeprefix(f"{self.bucket_folder}/"), body)
        except ValueError as error:
            advice = "it is not used, and what it was for is fetched again"
            get_run_logger().warning("s3://%s/%s: %.300s; %s", self.bucket_name, key, error, advice)
            raise


def prove_results(results: S3Bucket, store: Store) -> None:
    """Prove that Prefect's results can be written, read and deleted, because Prefect itself swallows such failures.

    Raises:
        StoreError: They cannot, or they do not lie in the lake.
    """
    name = f"probe-{secrets.token_hex(8)}"
    try:
        results.write_path(name, b"probe")
        found = store.find(RESULTS + name)
    except Exception as error:
        raise StoreError(
            f"results block: {results.bucket_name}/{results.bucket_folder} cannot be used: {error}"
        ) from error
    if found != b"probe":
        raise StoreError(
            f"results block: expected the results in {store.uri(RESULTS)}, found them in"
            f" s3://{results.bucket_name}/{results.bucket_folder}; run `pokelake setup`"
        )
    store.delete([RESULTS + name])
