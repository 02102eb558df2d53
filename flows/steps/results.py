"""Prefect's small results in the bucket: a run proves that they work, believes only its own kind, and forgets them."""

import lzma
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from prefect import get_run_logger
from prefect.serializers import JSONSerializer
from prefect_aws import S3Bucket
from pydantic import PrivateAttr

from blocks.credentials import hardened
from lake.assemble.staging import Manifest
from lake.crawl import Listing
from lake.errors import StoreError
from lake.layout import LISTING_RESULTS, RESULTS, SHARD_RESULTS
from lake.store import Store

# Listings that are longer are no source's: PokeAPI's are 2.4 MB as JSON.
_MOST_LISTING_BYTES = 1 << 30

# What is alike in them lies close together: the least effort packs them in 0.05 s to a third of what zlib makes, and
# more makes them no smaller. What would take more memory to unpack was packed otherwise.
_EFFORT, _MEMORY_BYTES = 0, 16 << 20

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
    return b64encode(lzma.compress(msgspec.json.encode(listings), preset=_EFFORT)).decode()


def unpack_listings(text: str) -> list[Listing]:
    """Return the listings of a text, and raise `ValueError` if it has none."""
    unpacking = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_BYTES)
    try:
        body = unpacking.decompress(b64decode(text, validate=True), _MOST_LISTING_BYTES)
        if not unpacking.eof:
            raise ValueError(f"expected packed listings of at most {_MOST_LISTING_BYTES} bytes")
        return msgspec.json.decode(body, type=list[Listing])
    except (lzma.LZMAError, EOFError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
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

    # The folder that was looked into, and the names of what was found or written there.
    _folder: str | None = PrivateAttr(default=None)
    _found: set[str] = PrivateAttr(default_factory=set)

    @classmethod
    def of(cls, saved: S3Bucket) -> Self:
        """Return a saved block as one that reads with care."""
        credentials = hardened(saved.credentials)
        block = cls(bucket_name=saved.bucket_name, bucket_folder=saved.bucket_folder, credentials=credentials)
        # Prefect takes only saved blocks for its results.
        block._block_document_id = saved._block_document_id
        block._block_document_name = saved._block_document_name
        return block

    def look(self, store: Store, folder: str) -> None:
        """Look which results there are below a folder; of what is not, S3 is not asked one by one.

        What another run writes there meanwhile is not seen, and done again.
        """
        self._folder = folder
        self._found = {item.key.removeprefix(RESULTS) for item in store.list(f"{RESULTS}{folder}")}

    def _name(self, key: str) -> str:
        return key.removeprefix(f"{self.bucket_folder}/")

    def _write_sync(self, key: str, data: bytes) -> None:
        super()._write_sync(key, data)
        self._found.add(self._name(key))

    # The one place through which both of the block's ways to read go, with and without an event loop.
    def _read_sync(self, key: str) -> bytes:
        name = self._name(key)
        if self._folder is not None and name.startswith(self._folder) and name not in self._found:
            raise FileNotFoundError(key)
        body = super()._read_sync(key)
        try:
            return readable(name, body)
        except ValueError as error:
            advice = "it is not used, and what it was for is fetched again"
            get_run_logger().warning("s3://%s/%s: %.300s; %s", self.bucket_name, key, error, advice)
            raise


def prove_results(results: S3Bucket, store: Store) -> list[str]:
    """Prove that Prefect's results can be written and read, because Prefect itself swallows such failures.

    The keys that are returned are to be deleted.

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
    return [RESULTS + name]
