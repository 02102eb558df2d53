"""What a run shows in Prefect's UI when it ends: its numbers, and what there is in a snapshot that it published."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, cast
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import Artifact
from prefect.context import FlowRunContext

from flows.steps.logs import harmless
from flows.steps.markdown import cell
from flows.steps.parameters import LakeLocation
from lake.assemble.stored import document_files
from lake.commit import Commit, read_file
from lake.layout import snapshot_folder
from lake.store import Store
from lake.text import shown

# Sprites that are shown; the description of the last one names the other Pokémon.
SHOWN_SPRITES = 12

_SPRITES, _SPRITE = "pokemon_sprites", "front_default"


def artifact_key(name: str, place: str) -> str:
    """Return the key of an artifact of one lake, which stays, so that its versions are a history.

    >>> artifact_key("run-refresh", "our-lake/poke.lake")
    'pokelake-run-refresh-our-lake-poke-lake'
    """
    return "-".join(["pokelake", name, *re.findall("[a-z0-9]+", place.lower())])


def client_of_run() -> SyncPrefectClient:
    """Return the client of the run in whose context this is called; our flows are synchronous, and so is it."""
    context = FlowRunContext.get()
    assert context is not None
    return cast(SyncPrefectClient, context.client)


def create(
    kind: str, key: str, description: str, data: Any, client: SyncPrefectClient | None = None
) -> Artifact | None:
    """Create an artifact of the run; outside of one, nothing. A client of one's own is for another thread."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return None
    return (client or client_of_run()).create_artifact(
        ArtifactCreate(type=kind, key=key, description=description, data=data, flow_run_id=context.flow_run.id)
    )


def _table(key: str, description: str, rows: Sequence[Mapping[str, Any]]) -> None:
    create("table", key, description, json.dumps(rows))


def show_numbers(place: str, flow: str, line: str, facts: Mapping[str, Any]) -> None:
    """Show the numbers of a run; `pokelake runs` reads them back."""
    rows = [{"what": name, "value": value} for name, value in facts.items()]
    with harmless("the numbers of the run"):
        _table(artifact_key(f"run-{flow}", place), cell(line), rows)


def show_snapshot(lake: LakeLocation, commit: Commit, parent: Commit | None, pokemon: Mapping[int, str]) -> None:
    """Show a snapshot that was just published: what changed against its parent, findings, page, each new Pokémon."""
    if FlowRunContext.get() is None:
        return
    store, place, name = lake.open(), lake.place(), cell(commit.snapshot)
    with harmless("the snapshot"):
        changes = [*_documents(commit, parent), *_rows(commit, parent)]
        _table(artifact_key("changes", place), f"What changed in snapshot {name}", changes)
        _table(artifact_key("findings", place), f"What the audits found in snapshot {name}", findings(commit))
        page = store.page(snapshot_folder(commit.snapshot))
        link = f"[{cell(store.uri(snapshot_folder(commit.snapshot)))}]({quote(page, safe=':/?&=%')})"
        create("markdown", artifact_key("snapshot", place), f"Where snapshot {name} lies", link)
        if pokemon:
            _show_sprites(store, place, commit, pokemon)


def _documents(commit: Commit, parent: Commit | None) -> Iterator[dict[str, Any]]:
    """Yield what changed in each resource."""
    now, then = document_files(commit), document_files(parent)
    for name, counts in sorted(commit.changes.items()):
        if any(counts.values()):
            before, after = (sum(one.file.rows for one in files.get(name, ())) for files in (then, now))
            kinds = {kind: counts.get(kind, 0) for kind in ("added", "modified", "deleted")}
            yield {"what": "documents", "of": shown(name), "before": before, "after": after, **kinds}


def _rows(commit: Commit, parent: Commit | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of each table that has others than before."""
    before = parent.tables if parent else {}
    for name in sorted(commit.tables.keys() | before.keys()):
        then, now = (tables[name].rows if name in tables else 0 for tables in (before, commit.tables))
        if then != now:
            grown = {"added": max(now - then, 0), "modified": None, "deleted": max(then - now, 0)}
            yield {"what": "rows", "of": shown(name), "before": then, "after": now, **grown}


def findings(commit: Commit) -> list[dict[str, Any]]:
    """Return what the audits found, the largest losses first."""
    entries = sorted(commit.audits, key=lambda entry: entry.get("after", 0) - entry.get("before", 0))
    return [
        {name: shown(str(entry.get(name, "")), 1_000) for name in ("level", "rule", "subject", "message")}
        for entry in entries
    ]


def _show_sprites(store: Store, place: str, commit: Commit, pokemon: Mapping[int, str]) -> None:
    """Show the sprite of each new Pokémon that has one."""
    sprites = [(id_, url) for id_, url in _sprites(store, commit, pokemon) if re.match(r"https?://\S+$", url)]
    others = [shown(name) for id_, name in pokemon.items() if id_ not in dict(sprites[:SHOWN_SPRITES])]
    for number, (id_, url) in enumerate(sprites[:SHOWN_SPRITES], 1):
        is_last = number == min(len(sprites), SHOWN_SPRITES)
        more = f"; new as well: {cell(', '.join(others))}" if others and is_last else ""
        create("image", artifact_key(f"sprite-{id_}", place), f"{cell(pokemon[id_])} is new{more}", url)


def _sprites(store: Store, commit: Commit, pokemon: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    for file in commit.tables[_SPRITES].files if _SPRITES in commit.tables else ():
        rows = pq.read_table(BytesIO(read_file(store, commit.snapshot, _SPRITES, file)), partitioning=None)
        wanted = pc.and_(pc.equal(rows["path"], _SPRITE), pc.is_in(rows["pokemon_id"], pa.array(pokemon, pa.int32())))
        yield from ((row["pokemon_id"], row["url"]) for row in rows.filter(wanted).to_pylist())
