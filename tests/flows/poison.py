"""What hostile hands put into a lake's bucket in the place of Prefect's results, and of staged documents."""

import base64
import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cloudpickle
from prefect.serializers import CompressedSerializer, PickleSerializer

from flows.steps.results import pack_listings, unpack_listings
from lake.layout import RESULTS, STAGING
from lake.store import Store


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def record(serializer: Any, result: Any, **metadata: Any) -> bytes:
    """Return a stored record that names a serializer."""
    return json.dumps({"metadata": {"serializer": serializer, **metadata}, "result": result}).encode()


def armed(mark: Path) -> dict[str, bytes]:
    """Return records that run code, or look for code to run, where Prefect decodes them as they ask for."""
    bomb, text = Bomb(mark), base64.encodebytes(cloudpickle.dumps(Bomb(mark))).decode()
    plain = base64.encodebytes(pickle.dumps(bomb)).decode()
    packed = CompressedSerializer(serializer=PickleSerializer()).dumps(bomb).decode()
    return {
        "pickle": record({"type": "pickle"}, text),
        "another pickle": record({"type": "pickle", "picklelib": "pickle"}, plain),
        "compressed pickle": record({"type": "compressed/pickle"}, packed),
        "compressed": record({"type": "compressed", "serializer": {"type": "pickle"}}, packed),
        "compressed json": record(
            {"type": "compressed/json"}, CompressedSerializer(serializer="json").dumps({}).decode()
        ),
        "no serializer": json.dumps({"metadata": {}, "result": text}).encode(),
        "no metadata": json.dumps({"result": text}).encode(),
        "old form": json.dumps({"data": text, "serializer": {"type": "pickle"}}).encode(),
        "unknown serializer": record({"type": "rocket"}, "{}"),
        "bare": base64.encodebytes(cloudpickle.dumps(bomb)),
        "class": record({"type": "json"}, json.dumps({"__class__": "antigravity.fly", "data": {}})),
        "error": record({"type": "json"}, json.dumps({"__exc_type__": "builtins.SystemExit", "message": "1"})),
    }


def poison(store: Store, mark: Path) -> None:
    """Let the newest result of one task run code, and let that of another delete documents that are listed."""
    armed_key, forged_key = (results_of(store, name)[-1] for name in ("nature", "berry"))
    assert armed_key != forged_key
    forged = json.loads(store.get(forged_key))
    manifests = json.loads(forged["result"])
    lying = next(manifest for manifest in manifests if manifest["resource"] == "berry")
    lying.update(gone=[lying["last_id"]], unchanged=lying["unchanged"] - 1)
    forged["result"] = json.dumps(manifests)
    store.delete([armed_key, forged_key])
    store.create(armed_key, armed(mark)["pickle"])
    store.create(forged_key, json.dumps(forged).encode())


def outdate(store: Store, resource: str) -> None:
    """Let the results of a resource's tasks be a second older than they may be."""
    for key in results_of(store, resource):
        record = json.loads(store.get(key))
        record["metadata"]["expiration"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        store.delete([key])
        store.create(key, json.dumps(record).encode())


def results_of(store: Store, resource: str) -> list[str]:
    """Return the keys of the results that tell of a resource, the newest last."""
    records = sorted(store.list(f"{RESULTS}shards/"), key=lambda item: item.modified)
    return [item.key for item in records if resource in resources_of(store.get(item.key))]


def resources_of(record: bytes) -> set[str]:
    """Return the resources of which a kept result tells."""
    return {manifest["resource"] for manifest in json.loads(json.loads(record)["result"])}


def lead_astray(store: Store, base_url: str) -> None:
    """Let every document of the kept listings lie at another source."""
    for item in list(store.list(f"{RESULTS}listings/")):
        record = json.loads(store.get(item.key))
        listings = unpack_listings(json.loads(record["result"]))
        led = [
            replace(listing, references=tuple(replace(one, url=f"{base_url}{one.path}/") for one in listing.references))
            for listing in listings
        ]
        store.delete([item.key])
        store.create(item.key, json.dumps({**record, "result": json.dumps(pack_listings(led))}).encode())


def damage(store: Store, resource: str) -> None:
    """Change a byte in the staged documents of a resource's newest shard."""
    staged = max(
        (item for item in store.list(STAGING) if f"/{resource}-" in item.key), key=lambda item: item.modified
    ).key
    body = bytearray(store.get(staged))
    body[len(body) // 2] ^= 1
    store.delete([staged])
    store.create(staged, bytes(body))
