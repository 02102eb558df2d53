"""A bare httpx and pyarrow script: every Pokémon to Parquet in S3, without a single promise kept.

No retries, no checks, no pacing, no resume, no audits, no atomic publish. It is what a hurried colleague writes.
"""

import asyncio
import io
import json
import sys
import time
from typing import Any

import boto3
import httpx
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

CONNECTIONS = 8
REF = pa.struct([("name", pa.string()), ("url", pa.string())])


def _list(**members: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct(list(members.items())))


DETAILS = _list(level_learned_at=pa.int32(), move_learn_method=REF, order=pa.int32(), version_group=REF)
LISTS = {
    "stats": _list(base_stat=pa.int32(), effort=pa.int32(), stat=REF),
    "types": _list(slot=pa.int32(), type=REF),
    "abilities": _list(slot=pa.int32(), is_hidden=pa.bool_(), ability=REF),
    "forms": pa.list_(REF),
    "game_indices": _list(game_index=pa.int32(), version=REF),
    "held_items": _list(item=REF, version_details=_list(rarity=pa.int32(), version=REF)),
    "moves": _list(move=REF, version_group_details=DETAILS),
}
SCALARS = {name: pa.int32() for name in ("id", "height", "weight", "base_experience", "order")}
SCHEMA = pa.schema({**SCALARS, "name": pa.string(), "is_default": pa.bool_(), "species": REF, **LISTS})


class Media(msgspec.Struct):
    """What is decoded in Python."""

    id: int
    sprites: dict[str, Any]
    cries: dict[str, Any]


async def fetch(urls: list[str], etags: dict[str, str]) -> list[tuple[str, str, bytes]]:
    """Fetch everything over a few connections; with ETags, only what changed."""
    found: list[tuple[str, str, bytes]] = []
    pending = iter(urls)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CONNECTIONS)) as client:

        async def work() -> None:
            for url in pending:
                headers = {"If-None-Match": etags[url]} if url in etags else {}
                answer = await client.get(url, headers=headers)
                if answer.status_code == 200:
                    found.append((url, answer.headers["ETag"], answer.content))

        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return found


def put(s3: Any, bucket: str, name: str, table: pa.Table, **options: Any) -> None:
    """Write one table as one object."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", compression_level=9, **options)
    s3.put_object(Bucket=bucket, Key=f"bare/{name}.parquet", Body=sink.getvalue())


def ids(urls: pa.Array) -> pa.Array:
    """Return the number that each URL ends in."""
    encoded = urls.dictionary_encode()
    numbers = [int(url.rstrip("/").rpartition("/")[2]) for url in encoded.dictionary.to_pylist()]
    return pc.take(pa.array(numbers, pa.int32()), encoded.indices)


def explode(parents: pa.Array, lists: pa.Array) -> tuple[pa.Array, pa.StructArray]:
    """Return the elements of lists, each with the id of its document."""
    return parents.take(pc.list_parent_indices(lists)), pc.list_flatten(lists)


def flat(parents: pa.Array, elements: pa.StructArray) -> pa.Table:
    """Return structs as columns, references as ids."""
    columns = {"pokemon_id": parents}
    for field in elements.type:
        if not pa.types.is_list(field.type):
            values = pc.struct_field(elements, field.name)
            columns[field.name] = ids(pc.struct_field(values, "url")) if field.type == REF else values
    return pa.table(columns)


def tables(bodies: list[bytes]) -> dict[str, pa.Table]:
    """Parse all documents at once and flatten their lists."""
    text = b"\n".join(bodies)
    documents = pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(block_size=4 << 20),
        parse_options=pj.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore"),
    ).combine_chunks()
    key = documents["id"].combine_chunks()
    made = {"pokemon": documents.select([*SCALARS, "name", "is_default"])}
    for name in LISTS:
        parents, elements = explode(key, documents[name].combine_chunks())
        inner = {"moves": "version_group_details", "held_items": "version_details"}.get(name)
        if inner is None:
            made[name] = flat(parents, elements)
            continue
        details = pc.struct_field(elements, inner)
        outer = pc.list_parent_indices(details)
        owner = ids(pc.struct_field(elements, ["move" if name == "moves" else "item", "url"])).take(outer)
        made[name] = flat(parents.take(outer), pc.list_flatten(details)).append_column("owner_id", owner)
    media = [(m.id, *leaf) for m in map(msgspec.json.Decoder(Media).decode, bodies) for leaf in leaves("", m.sprites)]
    made["sprites"] = pa.table(dict(zip(("pokemon_id", "path", "url"), zip(*media, strict=True), strict=True)))
    return made


def leaves(path: str, value: Any) -> list[tuple[str, str]]:
    """Return every picture's path and URL."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(f"{path}.{key}", inner)]
    return [(path, value)] if value else []


def crawl(base: str, bucket: str) -> float:
    """Fetch every Pokémon and write all tables; return the seconds."""
    started = time.perf_counter()
    found = asyncio.run(fetch(listed(base, "pokemon"), {}))
    s3 = boto3.client("s3")
    bodies = [body for _, _, body in found]
    raw = pa.table({"url": [url for url, _, _ in found], "etag": [etag for _, etag, _ in found], "body": bodies})
    put(s3, bucket, "documents", raw.cast(pa.schema({n: pa.string() for n in raw.schema.names})), use_dictionary=False)
    for name, table in tables(bodies).items():
        put(s3, bucket, name, table)
    return time.perf_counter() - started


def unchanged(base: str) -> float:
    """Ask for every document of the API with the ETags at hand; return the seconds of that alone."""
    etags = {url: etag for url, etag, _ in asyncio.run(fetch(everything(base), {}))}
    started = time.perf_counter()
    changed = asyncio.run(fetch(everything(base), etags))
    assert not changed
    return time.perf_counter() - started


def everything(base: str) -> list[str]:
    """Return the URLs of all documents, encounters included."""
    names = [name for name in httpx.get(base).json() if name != "meta"]
    urls = [url for name in names for url in listed(base, name)]
    return urls + [f"{url}encounters" for url in urls if "/pokemon/" in url]


def listed(base: str, resource: str) -> list[str]:
    """Return the URLs of a resource's documents."""
    return [entry["url"] for entry in httpx.get(f"{base}{resource}/?limit=100000").json()["results"]]


if __name__ == "__main__":
    print(json.dumps({"seconds": {"crawl": crawl, "unchanged": unchanged}[sys.argv[1]](*sys.argv[2:])}))
