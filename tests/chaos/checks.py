"""What must hold after every point: readers see one whole snapshot, and nothing was overwritten or left."""

from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import unquote, urlsplit

import httpx
import pandas as pd

from lake import Lake
from lake.commit import Commit, commit_seqs, read_commit
from lake.errors import LakeError
from lake.store import Store
from tests.chaos.proxy import Seen
from tests.chaos.runner import Run
from tests.chaos.world import World

KINDS = ("torn", "lost", "left")


@dataclass
class Point:
    """One point of a part: what was done, and every promise that did not hold, by its kind.

    A torn one showed a reader something that is no snapshot, or let something be overwritten; a lost one did not get
    what was to be published, or did not end in its time; a left one left a process, a file or a slot.
    """

    part: str
    name: str
    breaches: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0

    def expect(self, holds: object, kind: str, text: str) -> None:
        """Note a breach unless something holds."""
        if not holds:
            self.breaches.append((kind, text))


def content(lake: Lake, commit: Commit) -> dict[str, str]:
    """Return a digest of each table: of its files, or, because times differ, of the documents' paths and bodies."""
    found = {
        name: sha256("".join(f"{file.name} {file.sha256}\n" for file in table.files).encode()).hexdigest()
        for name, table in commit.tables.items()
    }
    rows = lake.read("documents", columns=["path", "sha256"], as_of=commit.snapshot).sort_values("path")
    return {**found, "documents": sha256(rows.to_csv(index=False).encode()).hexdigest()}


def state(store: Store) -> dict[str, str] | None:
    """Return the content of the current snapshot; None if there is none."""
    seqs = commit_seqs(store)
    return content(Lake(store), read_commit(store, seqs[-1])) if seqs else None


def check_readers(point: Point, store: Store, *allowed: dict[str, str] | None) -> None:
    """Read all tables in every way; what is seen must be one of the allowed states, whole."""
    seqs = commit_seqs(store)
    point.expect(seqs == list(range(seqs[0], seqs[-1] + 1)) if seqs else True, "torn", f"a gap in {seqs}")
    if not seqs:
        point.expect(None in allowed, "lost", "nothing is published any longer")
        return
    try:
        lake = Lake(store).at()
        commit = lake.commit()
        seen = content(lake, commit)
        point.expect(seen in allowed, "torn", f"{commit.snapshot} is neither the old state nor the new one")
        rows = {name: len(lake.read(name)) for name in commit.tables}
        counts = " union all ".join(f"select '{name}' as name, count(*) as n from {name}" for name in rows)
        by_sql = dict(lake.sql(counts).itertuples(index=False))
        for name, table in commit.tables.items():
            by = {
                "read": rows[name],
                "pandas": len(pd.read_parquet(lake.path(name))),
                "sql": by_sql[name],
                "dataset": lake.dataset(name).count_rows(),
            }
            point.expect(set(by.values()) == {table.rows}, "torn", f"{name}: expected {table.rows} rows, found {by}")
    except (LakeError, OSError) as error:
        point.expect(False, "torn", f"{type(error).__name__}: {error}")


def check_overwritten(point: Point, log: list[Seen]) -> None:
    """No key got another content while it had one; Prefect's results are not the lake's."""
    held: dict[str, str] = {}
    for seen in log:
        # A snapshot that must be written anew before its commit is removed first.
        for key in seen.deletes if seen.status in (200, 204) else ():
            held.pop(key, None)
        if seen.method == "PUT" and seen.status == 200:
            key = unquote(urlsplit(seen.target).path)
            before = held.setdefault(key, seen.body)
            point.expect(before == seen.body or "/results/" in key, "torn", f"{key} was overwritten")
            held[key] = seen.body


def check_said(point: Point, run: Run) -> None:
    """A run ended by itself, and what it said of a failure is one paragraph without a traceback."""
    point.expect(run.code in (0, 1), "lost", f"it ended with code {run.code}: {run.said[-300:]}")
    said = run.said.strip()
    point.expect("Traceback" not in said, "lost", f"it said {said[-600:]}")
    point.expect(run.code == 0 or said.startswith("pokelake: "), "lost", f"it said {said[:400]!r}")


def check_left(point: Point, world: World) -> None:
    """No process and no temporary file is left."""
    found = world.runner.left()
    point.expect(not found, "left", f"left behind: {found}")


def held_slots(api: str) -> dict[str, int]:
    """Return the slots of Prefect's global limits that are taken and are not given back by themselves."""
    answer = httpx.post(f"{api}/v2/concurrency_limits/filter", json={}, timeout=30)
    return {
        limit["name"]: limit["active_slots"]
        for limit in answer.raise_for_status().json()
        if limit["active_slots"] and not limit["slot_decay_per_second"]
    }
