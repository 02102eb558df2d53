"""The plan of a crawl: what each batch asks for, in one object in the bucket, so that workers anywhere can fetch it."""

import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from lake.crawl import Batch, Shard
from lake.documents import digest
from lake.errors import StoreError
from lake.layout import plan_key
from lake.store import Store

# The object begins with the length of its head, written in this many bytes; the head says where each batch lies.
_LENGTH_BYTES = 8

# All of PokeAPI, with its ETags, is 0.6 MB, packed in 0.07 s; the most effort makes it a hundredth smaller.
_LEVEL = 6

# Made here, by one thread, for the reason that `lake.assemble.units` gives.
_SHARDS = msgspec.json.Decoder(tuple[Shard, ...])

# Several threads begin their first batches at the same moment, and one of them reads for all.
_READING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Plan:
    """The key of a plan, and the hash of its content, because nobody may change what a crawl asks for."""

    key: str
    sha256: str


def write_plan(store: Store, crawl: str, batches: Sequence[Batch]) -> Plan:
    """Put the plan of some batches into staging; the same batches have the same plan."""
    packed = [zlib.compress(msgspec.json.encode(batch.shards), _LEVEL) for batch in batches]
    head = msgspec.json.encode([len(body) for body in packed])
    body = b"".join([len(head).to_bytes(_LENGTH_BYTES), head, *packed])
    hash_ = digest(body)
    plan = Plan(plan_key(crawl, hash_), hash_)
    store.create(plan.key, body)
    return plan


def read_batch(store: Store, plan: Plan, number: int) -> Batch:
    """Return a batch of a plan; only it is unpacked.

    Raises:
        StoreError: The plan is gone, or is not the one that was written.
    """
    with _READING:
        body = _body(store, plan)
    start = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES])
    lengths = msgspec.json.decode(body[_LENGTH_BYTES:start], type=list[int])
    start += sum(lengths[:number])
    packed = body[start : start + lengths[number]]
    return Batch(number, _SHARDS.decode(zlib.decompress(packed)))


@lru_cache(maxsize=1)
def _body(store: Store, plan: Plan) -> bytes:
    """Return the whole plan, which a process reads once for all of its batches."""
    body = store.find(plan.key)
    if body is None or digest(body) != plan.sha256:
        raise StoreError(
            f"{store.uri(plan.key)}: expected the plan of this crawl, found {'none' if body is None else 'another'};"
            " run again, and it is written anew",
            may_pass=True,
        )
    return body
