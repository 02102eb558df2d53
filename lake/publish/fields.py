"""Looks after the lists of fields that commits name: `verify` finds which are lost, and a repair writes them anew."""

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from lake.bucket import command_on
from lake.fields import encoded
from lake.layout import SCHEMAS, schema_hash, schema_key
from lake.publish.damage import Damage, Kind
from lake.publish.foreign import Foreign, foreign_of
from lake.schema import Table, dictionary_of
from lake.store import FETCHES, PARALLEL_REQUESTS, Store


def lost_fields(store: Store, named: Collection[str], now: datetime) -> tuple[list[Damage], list[Foreign]]:
    """Return what is wrong with the lists of fields that commits name, and what lies beside them.

    Lists that no commit names are left: forgotten snapshots had them, and the next one may have them again.
    """
    lying = {item.key: item for item in store.list(SCHEMAS)}
    wrong = [item for key, item in lying.items() if schema_hash(key) is None]

    def look(schema: str) -> Damage | None:
        found = None
        for _ in range(FETCHES if schema_key(schema) in lying else 0):
            found = store.digest(schema_key(schema))
            if found is not None and found[1] == schema:
                return None
        return _lost(store, schema, found[1] if found else None)

    with ThreadPoolExecutor(PARALLEL_REQUESTS, "fields") as pool:
        damages = [damage for damage in pool.map(look, sorted(named)) if damage is not None]
    return damages, [foreign_of(store, item.key, [item], now) for item in wrong]


def _lost(store: Store, schema: str, found: str | None) -> Damage:
    repair = f"`{command_on(store.uri(), 'verify', '--repair')}` (the parameter repair=true of the deployment verify)"
    harmless = "readers take the types from the files until then"
    if found is None:
        advice = f"run {repair}, or put it back from a version of the bucket or a backup; {harmless}"
    else:
        advice = f"delete the object, and run {repair}; {harmless}"
    kind, said = (Kind.CONTENT, f"another, {found}") if found else (Kind.MISSING, "none")
    return Damage(kind, store.uri(schema_key(schema)), f"a list of fields with SHA-256 {schema}", said, advice)


def restore_fields(store: Store, damages: Iterable[Damage], tables: Iterable[Table]) -> list[str]:
    """Store the lists of fields that are missing and that one of these tables has; return where each lies."""
    lost = {one.where for one in damages if one.kind is Kind.MISSING}
    restored = []
    for schema, body in (encoded(dictionary_of(table)) for table in tables):
        if (where := store.uri(schema_key(schema))) in lost:
            store.create(schema_key(schema), body)
            restored.append(where)
    return restored
