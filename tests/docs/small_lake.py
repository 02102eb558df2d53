"""A small lake with real Pokémon, published twice by hand: Pikachu, its moves, and a move that changed."""

from lake.schema import GENERATION
from lake.store import Store
from lake.tables import build
from tests.lake.read import FIRST, SECOND, document, publish
from tests.lake.tables import CATALOG, GENERATIONS, SAMPLES, received, sample

POWERS = {FIRST: 40, SECOND: 50}


def publish_small_lake(store: Store) -> None:
    """Publish two snapshots; between them the power of a move changed."""
    body = (SAMPLES / "pokemon-25.json").read_text()
    for snapshot, power in POWERS.items():
        move = {**sample("move-161"), "power": power}
        built = [
            *build(CATALOG, "pokemon", received("pokemon", sample("pokemon-25")), GENERATIONS),
            *build(CATALOG, "move", received("move", move), GENERATIONS),
        ]
        publish(store, snapshot, [(item.table, item.rows) for item in built], [document("pokemon", 25, body)])
    assert {item.table.name for item in built if GENERATION in item.table.schema.names} >= {"pokemon", "moves"}
