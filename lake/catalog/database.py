"""Makes a database of Glue describe a snapshot, table by table, and takes out of it what was so made."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

from lake.catalog.glue import Glue
from lake.catalog.table import LAKE, SNAPSHOT, catalog_names, table_input
from lake.catalogued import forget_notes, named_by_catalogs, note_snapshot
from lake.commit import Commit, head
from lake.errors import CatalogError, GlueError, LakeError
from lake.layout import catalogued_folder
from lake.store import Store
from lake.text import counted

# Updates at the same time. Glue refuses more than some dozens a second of an account.
_TOGETHER = 4

# A publisher that is overtaken this often has a rival that publishes all the time, and registers for both.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Registered:
    """What was done to a database: how many tables were created, changed, unchanged and removed, and why not others."""

    catalog: str
    snapshot: str
    done: Mapping[str, int]
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = ", ".join(f"{counted(count, 'table')} {act}" for act, count in self.done.items() if count)
        refused = f"; {counted(len(self.refused), 'table')} not registered" if self.refused else ""
        return f"{self.catalog} shows {self.snapshot}: {said or 'no table'}{refused}"


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was taken out of a database: how many tables, and whether it is gone itself."""

    catalog: str
    tables: int
    has_database: bool

    def __str__(self) -> str:
        database = ", and the database, which has nothing else" if self.has_database else ""
        return f"{self.catalog}: dropped {counted(self.tables, 'table')}{database}; no file was touched"


def register(store: Store, database: str, commit: Commit | None = None) -> Registered:
    """Make a database describe the current snapshot, or that of a commit; what describes it already is left.

    One table after the other is moved. If another snapshot is published meanwhile, the tables are moved to that one,
    so of several that do this at the same time none leaves the database behind. Tables of this lake that the snapshot
    has not are removed; those of anybody else are left, and so are tables that Glue cannot describe.

    Raises:
        CatalogError: Glue refuses, or cannot be reached; the message says how far it came.
        LakeError: Nothing was ever published.
    """
    glue = Glue(store.client("glue"), database)
    pinned = commit is not None
    for _ in range(_ROUNDS):
        commit = commit if pinned else head(store)
        if commit is None:
            raise LakeError(f"{store.uri()}: nothing was ever published there, so there is nothing to register")
        done = _register(store, glue, commit)
        if pinned or (current := head(store, commit)) is None or current.seq == commit.seq:
            break
    return done


def _register(store: Store, glue: Glue, commit: Commit) -> Registered:
    found = glue.describe()
    if found is None:
        glue.create(f"The tables of {store.uri()}, which pokelake registers.", {LAKE: store.uri()})
        found = glue.describe() or {}
    catalog = _catalog_of(glue, found)
    # First, because from the first table on that is moved, queries need its files.
    note_snapshot(store, catalog, commit.snapshot)
    names, before = catalog_names(commit), glue.tables()
    stop = Event()

    def move(name: str) -> tuple[str, str]:
        if stop.is_set():
            return "not reached", ""
        try:
            return _move(store, glue, table_input(store, commit, names[name]), before.get(name)), ""
        except GlueError as error:
            stop.set()
            return "failed", str(error)
        except LakeError as error:
            return "refused", str(error)

    with ThreadPoolExecutor(_TOGETHER, "catalog") as pool:
        ends = list(pool.map(move, names))
    acts = Counter(act for act, _ in ends)
    if stop.is_set():
        [why, *_] = [said for act, said in ends if act == "failed"]
        moved = len(names) - acts["failed"] - acts["not reached"] - acts["refused"]
        raise CatalogError(f"{moved} of {counted(len(names), 'table')} show {commit.snapshot}: {why}")
    gone = [name for name, table in before.items() if _owner(table) == store.uri() and name not in names]
    for name in gone:
        glue.delete_table(name)
    # What was refused may show another snapshot, if it is this lake's.
    kept = {str(before[name]["Parameters"].get(SNAPSHOT)) for name in _refused(names, ends, before, store.uri())}
    forget_notes(store, catalog, {commit.snapshot, *kept})
    done = {act: acts[act] for act in ("created", "changed", "unchanged")}
    return Registered(
        catalog, commit.snapshot, {**done, "removed": len(gone)}, tuple(said for act, said in ends if act == "refused")
    )


def _refused(names: Mapping[str, str], ends: list[tuple[str, str]], before: Mapping[str, Any], lake: str) -> list[str]:
    """Return the tables of this lake in the database that could not be moved."""
    stuck = [name for name, (act, _) in zip(names, ends, strict=True) if act == "refused"]
    return [name for name in stuck if name in before and _owner(before[name]) == lake]


def _move(store: Store, glue: Glue, wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> str:
    """Have Glue describe a table as is wanted; return what was done.

    Raises:
        CatalogError: The table is not of this lake.
    """
    if found is None:
        if glue.create_table(wanted):
            return "created"
        # Another run made it since, or somebody else.
        found = glue.tables().get(wanted["Name"], {})
    owner = _owner(found)
    if owner != store.uri():
        whose = f"of the lake {owner}" if owner else "not one that pokelake made"
        raise CatalogError(
            f"table {wanted['Name']} in {glue} is {whose}, and was left: name another database, or drop that table"
        )
    if _has(found, wanted):
        return "unchanged"
    glue.update_table(wanted)
    return "changed"


def drop(store: Store, database: str) -> Dropped:
    """Take out of a database every table that was registered for this lake, and the database if nothing else is in it.

    Only one that was made for this lake goes; no file of the bucket is touched.

    Raises:
        CatalogError: There is no such database, or Glue refuses.
    """
    glue = Glue(store.client("glue"), database)
    found = glue.describe()
    if found is None:
        named = {catalog for every in named_by_catalogs(store).values() for catalog in every}
        notes = sorted(one for one in named if one.endswith(f".{glue.region}.{database}"))
        where = ", ".join(store.uri(catalogued_folder(note)) for note in notes)
        more = f"; if somebody deleted it, delete its notes as well, because they keep snapshots: {where}"
        raise CatalogError(f"there is no {glue}{more if notes else ''}")
    tables = glue.tables()
    ours = [name for name, table in tables.items() if _owner(table) == store.uri()]
    for name in ours:
        glue.delete_table(name)
    is_empty = _owner(found) == store.uri() and len(ours) == len(tables)
    if is_empty:
        glue.delete()
    catalog = _catalog_of(glue, found)
    forget_notes(store, catalog)
    return Dropped(catalog, len(ours), is_empty)


def _catalog_of(glue: Glue, database: Mapping[str, Any]) -> str:
    """Return the name that notes give to a database: its account, region and own name."""
    return f"{database.get('CatalogId') or 'account'}.{glue.region}.{glue.database}"


def _owner(thing: Mapping[str, Any]) -> str | None:
    """Return the lake that a table or a database was made for."""
    owner = (thing.get("Parameters") or {}).get(LAKE)
    return str(owner) if owner else None


def _has(found: Any, wanted: Any) -> bool:
    """Tell whether Glue keeps all that is wanted; it adds more by itself."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_has(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_has, found, wanted))
    return bool(found == wanted)
