"""The tables of a snapshot as Prefect's assets: the source leads to the documents, and these to every other table.

An asset is a table over all snapshots. Its key is the lake's address with the table's name; what Prefect records of it
for each snapshot are the metadata of `_facts`, in the event ``prefect.asset.materialization.succeeded``.
"""

from collections.abc import Iterable
from typing import Any

from prefect.assets import Asset, materialize
from prefect.cache_policies import NO_CACHE

from flows.steps.parameters import LakeLocation
from lake.commit import Commit
from lake.documents import DOCUMENTS
from lake.layout import table_folder
from lake.store import Store
from lake.text import counted, shown

# Prefect's server refuses longer keys, and these characters in one.
_LONGEST_KEY = 512
_REFUSED = str.maketrans(dict.fromkeys("\n\r\t \0#?&%\"'<>[]{}|\\^`", "_"))


def record_assets(lake: LakeLocation, commit: Commit) -> None:
    """Let Prefect record every table of a new snapshot, with its rows and bytes, and what it was made from."""
    store = lake.open()
    documents = _asset(store, DOCUMENTS.name)
    tables = sorted(commit.tables.keys() - {DOCUMENTS.name})
    _record(store, commit, [DOCUMENTS.name], Asset(key=_key(commit.source.base_url)))
    if tables:
        _record(store, commit, tables, documents)


def _record(store: Store, commit: Commit, names: Iterable[str], origin: Asset) -> None:
    """Record some tables as made from one asset."""
    assets = {name: _asset(store, name) for name in names}

    @materialize(
        *assets.values(),
        asset_deps=[origin],
        task_run_name=f"record {counted(len(assets), 'table')} of {commit.snapshot}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    def record_tables() -> None:
        for name, asset in assets.items():
            asset.add_metadata(_facts(store, commit, name))

    record_tables()


def _asset(store: Store, table: str) -> Asset:
    return Asset(key=_key(store.uri(table)))


def _key(address: str) -> str:
    """Return an address as the key of an asset: nothing in it that Prefect refuses."""
    scheme, mark, rest = address.partition("://")
    return shown(f"{scheme.lower()}{mark}{rest}", _LONGEST_KEY).translate(_REFUSED)


def _facts(store: Store, commit: Commit, table: str) -> dict[str, Any]:
    """Describe one table of a snapshot; `path` is what pandas reads."""
    files = commit.tables[table]
    return {
        "rows": files.rows,
        "bytes": files.bytes,
        "snapshot": commit.snapshot,
        "path": store.uri(table_folder(commit.snapshot, table)),
    }
