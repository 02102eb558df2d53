"""Shards and manifests as a crawl leaves them, made up."""

from typing import Any

import msgspec

from lake.assemble.staging import Manifest
from lake.crawl import Shard, Source, Wanted
from lake.resource import Failure, Reference

SOURCE = Source("https://pokeapi.test/api/v2/", tolerated_failures=0.02)
MANIFEST = Manifest(
    resource="berry",
    number=0,
    last_id=9,
    documents=0,
    json_bytes=0,
    unchanged=0,
    gone=(),
    failed=(),
    requests=0,
    versions={},
)


def reference(id_: int, resource: str = "berry") -> Reference:
    return Reference(resource, id_, f"https://pokeapi.test/api/v2/{resource}/{id_}/", f"{resource}/{id_}")


def failure(id_: int, resource: str = "berry") -> Failure:
    return Failure(resource, id_, f"{resource}/{id_}", "status 503")


def shard(*ids: int, resource: str = "berry", number: int = 0) -> Shard:
    return Shard(resource, number, tuple(Wanted(reference(id_, resource), f'"{id_}"') for id_ in ids))


def manifest(**members: Any) -> Manifest:
    return msgspec.structs.replace(MANIFEST, **members)


def failed(count: int, resource: str = "berry", round_: int = 2) -> Manifest:
    """Return the manifest of a shard some of whose documents failed."""
    found = tuple(failure(id_, resource) for id_ in range(1, count + 1))
    return manifest(resource=resource, failed=found, round=round_)
