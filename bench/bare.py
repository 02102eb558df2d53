"""A bare httpx and pyarrow script: documents and a few tables to Parquet in S3, without a single promise kept.

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
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

# As many as the lake has.
CONNECTIONS = 8

REF = pa.struct([("name", pa.string()), ("url", pa.string())])
DETAILS = pa.struct(
    [("level_learned_at", pa.int32()), ("move_learn_method", REF), ("order", pa.int32()), ("version_group", REF)]
)
MOVES = pa.list_(pa.struct([("move", REF), ("version_group_details", pa.list_(DETAILS))]))
SCALARS = {name: pa.int32() for name in ("id", "height", "weight", "base_experience", "order")}
SCHEMA = pa.schema({**SCALARS, "name": pa.string(), "is_default": pa.bool_(), "species": REF, "moves": MOVES})

Found = list[tuple[str, str, bytes]]
"""URL, ETag and body of documents."""


async def fetch(urls: list[str], etags: dict[str, str]) -> Found:
    """Fetch everything over a few connections; with ETags, only what changed."""
    found: Found = []
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
    pq.write_table(table, sink, compression="zstd", **options)
    s3.put_object(Bucket=bucket, Key=f"bare/{name}.parquet", Body=sink.getvalue())


def ids(references: pa.Array) -> pa.Array:
    """Return the number that the URL of each reference ends in."""
    encoded = pc.struct_field(references, "url").dictionary_encode()
    numbers = [int(url.rstrip("/").rpartition("/")[2]) for url in encoded.dictionary.to_pylist()]
    return pc.take(pa.array(numbers, pa.int32()), encoded.indices)


def tables(bodies: list[bytes]) -> dict[str, pa.Table]:
    """Return Pokémon and the moves that they learn."""
    documents = pj.read_json(
        pa.BufferReader(b"\n".join(bodies)),
        read_options=pj.ReadOptions(block_size=4 << 20),
        parse_options=pj.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore"),
    ).combine_chunks()
    learned = documents["moves"].combine_chunks()
    each = pc.list_flatten(learned)
    details = pc.struct_field(each, "version_group_details")
    outer = pc.list_parent_indices(details)
    inner = pc.list_flatten(details)
    moves = {
        "pokemon_id": documents["id"].combine_chunks().take(pc.list_parent_indices(learned)).take(outer),
        "move_id": ids(pc.struct_field(each, "move")).take(outer),
        "move_learn_method_id": ids(pc.struct_field(inner, "move_learn_method")),
        "version_group_id": ids(pc.struct_field(inner, "version_group")),
        "level_learned_at": pc.struct_field(inner, "level_learned_at"),
    }
    return {"pokemon": documents.select([*SCALARS, "name", "is_default"]), "pokemon_moves": pa.table(moves)}


def crawl(base: str, bucket: str, resource: str = "") -> None:
    """Fetch every document, or those of one resource, and write them and the tables of Pokémon."""
    found = asyncio.run(fetch(listed(base, resource) if resource else everything(base), {}))
    s3 = boto3.client("s3")
    raw = pa.table(
        {
            "url": [url for url, _, _ in found],
            "etag": [etag for _, etag, _ in found],
            "body": pa.array([body for _, _, body in found], pa.string()),
        }
    )
    put(s3, bucket, "documents", raw, use_dictionary=False)
    pokemon = [body for url, _, body in found if url.startswith(f"{base}pokemon/") and not url.endswith("encounters")]
    for name, table in tables(pokemon).items():
        put(s3, bucket, name, table)


def unchanged(base: str) -> None:
    """Ask for every document of the API with the ETags at hand; print the seconds of that alone."""
    etags = {url: etag for url, etag, _ in asyncio.run(fetch(everything(base), {}))}
    started = time.perf_counter()
    changed = asyncio.run(fetch(everything(base), etags))
    assert not changed
    print(json.dumps({"seconds": time.perf_counter() - started}))


def everything(base: str) -> list[str]:
    """Return the URLs of all documents, encounters included."""
    names = [name for name in httpx.get(base).json() if name != "meta"]
    urls = [url for name in names for url in listed(base, name)]
    return urls + [f"{url}encounters" for url in urls if "/pokemon/" in url]


def listed(base: str, resource: str) -> list[str]:
    """Return the URLs of a resource's documents."""
    return [entry["url"] for entry in httpx.get(f"{base}{resource}/?limit=100000").json()["results"]]


if __name__ == "__main__":
    {"crawl": crawl, "unchanged": unchanged}[sys.argv[1]](*sys.argv[2:])  # type: ignore[operator]
