"""The events that the flows emit, for automations to act on."""

from collections.abc import Mapping, Sequence

from prefect.events import emit_event

from flows.steps.assets import record_assets
from flows.steps.parameters import LakeLocation
from lake.commit import Commit
from lake.text import shown

PUBLISHED = "pokelake.snapshot.published"
DISCOVERED = "pokelake.pokemon.discovered"
VANISHED = "pokelake.documents.vanished"

# A refresh that ends well emits this, whether it had something to publish or not.
LAKE_CURRENT = "pokelake.lake.current"

# The label of a published snapshot's event that names the lake's block. The trigger in prefect.yaml matches it, because
# a server may have runs of other lakes, and `report` reads the lake of its own block.
LAKE_BLOCK = "pokelake.lake.block"


def announce(lake: LakeLocation, commit: Commit, pokemon: Mapping[int, str]) -> None:
    """Say that a snapshot was published, name each Pokémon that its parent did not have, and record its tables."""
    facts = {"lake": lake.open().uri(), "seq": commit.seq, "snapshot": commit.snapshot, "parent": commit.parent}
    block = {LAKE_BLOCK: lake.block} if lake.bucket is None else {}
    emit_event(
        PUBLISHED,
        resource={"prefect.resource.id": f"pokelake.snapshot.{commit.snapshot}", **block},
        payload={**facts, "changes": dict(commit.totals())},
    )
    for id_, given in pokemon.items():
        name = shown(given)
        emit_event(
            DISCOVERED,
            resource={"prefect.resource.id": f"pokelake.pokemon.{id_}", "prefect.resource.name": name},
            payload={"id": id_, "name": name, "snapshot": commit.snapshot},
        )
    record_assets(lake, commit)


def report_current(uri: str, snapshot: str) -> None:
    """Say that a refresh of this lake ended well, and which snapshot readers see; an automation waits for it."""
    emit_event(LAKE_CURRENT, resource={"prefect.resource.id": f"pokelake.lake.{uri}"}, payload={"snapshot": snapshot})


def report_vanished(base_url: str, paths: Sequence[str]) -> None:
    """Name the documents that the lake has and its source no longer lists."""
    payload = {"documents": list(map(shown, paths))}
    emit_event(VANISHED, resource={"prefect.resource.id": f"pokelake.source.{base_url}"}, payload=payload)
