"""One commit with something in each of its members."""

from lake.commit import Commit, DataFile, SourceFacts, TableFiles
from lake.resource import Failure

SNAPSHOT = "20260808T041200Z-1f3a9c02"
COMMIT = Commit(
    seq=42,
    snapshot=SNAPSHOT,
    parent="20260706T040000Z-8be2d1f4",
    committed_at="2026-08-08T04:13:05+00:00",
    tables={
        "pokemon": TableFiles(
            partition="generation",
            files=(
                DataFile("generation=0/part-0.parquet", 0, 1, 900, "a" * 64),
                DataFile("generation=1/part-0.parquet", 1, 203, 9000, "b" * 64),
            ),
            fields=(
                {"name": "pokemon_id", "type": "int32", "nullable": False},
                {"name": "height_dm", "type": "int32", "nullable": False, "unit": "decimetre"},
            ),
            grain="one row per Pokémon variety",
            primary_key=("pokemon_id",),
        ),
        "documents": TableFiles(
            partition="resource",
            files=(DataFile("resource=pokemon/part-0.parquet", "pokemon", 204, 12000, "c" * 64),),
            fields=(),
        ),
        "generations": TableFiles(None, (DataFile("part-0.parquet", None, 9, 500, "d" * 64),), ()),
    },
    source=SourceFacts(base_url="https://pokeapi.co/api/v2/", answers={"0d8fe2bf": 3}),
    run={"flow_run_id": None, "code_version": "0.1.0"},
    fingerprint="0123456789abcdef",
    changes={"pokemon": {"added": 1, "modified": 2, "deleted": 0}},
    stale=(Failure("pokemon", 25, "pokemon/25", "status 500, 'Ärger'\n"),),
    missing=(Failure("pokemon", 132, "pokemon/132", "listed, but status 404"),),
    audits=(
        {"level": "warn", "rule": "renamed", "subject": "move", "message": "1 renamed: 11 vice-grip -> vise-grip"},
    ),
)
