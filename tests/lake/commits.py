"""One commit with something in each of its members."""

import json

from lake.commit import Commit, DataFile, SourceFacts, TableFiles
from lake.fields import read_fields
from lake.layout import SCHEMAS, commit_key
from lake.resource import Failure
from lake.store import Store

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
            grain="one row per Pokémon variety",
            primary_key=("pokemon_id",),
            schema="f" * 64,
            nulls={"base_experience": 3},
        ),
        "documents": TableFiles(
            partition="resource",
            files=(DataFile("resource=pokemon/part-0.parquet", "pokemon", 204, 12000, "c" * 64),),
            schema="e" * 64,
        ),
        "generations": TableFiles(None, (DataFile("part-0.parquet", None, 9, 500, "d" * 64),)),
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


def rewrite_as_format_1(store: Store, commit: Commit) -> None:
    """Let a commit, and the lake, be as they were before lists of fields were stored by themselves."""
    tree = json.loads(commit.to_json())
    for table in tree["tables"].values():
        schema, nulls = table.pop("schema"), table.pop("nulls")
        table["fields"] = [
            {**entry, **({} if nulls is None else {"nulls": nulls.get(entry["name"], 0)})}
            for entry in read_fields(store, schema)
        ]
    store.delete([commit_key(commit.seq)])
    store.create(commit_key(commit.seq), json.dumps({**tree, "format": 1}, indent=1).encode())


def forget_fields(store: Store) -> None:
    """Delete all lists of fields."""
    store.delete([item.key for item in store.list(SCHEMAS)])
