"""The published snapshots over time, and which of them a name, a date or a time stands for."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, time

from lake.accept import accepted, newest
from lake.bucket import command_on
from lake.commit import Commit, TableFiles, commit_seqs, read_commit
from lake.errors import LakeError, UnknownNameError
from lake.layout import is_snapshot_id
from lake.store import PARALLEL_REQUESTS, Store
from lake.text import shown


class History:
    """The commits of one lake; remembers those that were read, because they never change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._commits: dict[int, Commit] = {}

    def commits(self) -> list[Commit]:
        """Return every commit, newest first."""
        return self._accepted(commit_seqs(self._store))

    def _accepted(self, seqs: list[int]) -> list[Commit]:
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            found = list(pool.map(lambda seq: accepted(seq, self._commit), reversed(seqs)))
        return [commit for commit in found if commit is not None]

    def commit(self, as_of: str | date | None = None) -> Commit:
        """Return the commit of a snapshot: the current one, or the one that `as_of` names.

        Raises:
            UnknownNameError: No snapshot has this name, or none was published by then.
            LakeError: Nothing was ever published.
        """
        seqs = commit_seqs(self._store)
        commits = self._accepted(seqs) if as_of is not None else []
        current = commits[0] if commits else newest(seqs, self._commit)
        if current is None:
            uri = self._store.uri()
            raise LakeError(f"{uri}: nothing was ever published here; run `{command_on(uri, 'refresh')}` first")
        if as_of is None:
            return current
        if isinstance(as_of, str) and is_snapshot_id(as_of):
            matches = (commit for commit in commits if commit.snapshot == as_of)
        else:
            moment = _moment(as_of)
            matches = (commit for commit in commits if datetime.fromisoformat(commit.committed_at) <= moment)
        commit = next(matches, None)
        if commit is None:
            raise UnknownNameError("snapshot", str(as_of), [known.snapshot for known in commits])
        return commit

    def _commit(self, seq: int) -> Commit:
        if seq not in self._commits:
            self._commits[seq] = read_commit(self._store, seq)
        return self._commits[seq]


def table_of(commit: Commit, name: str) -> TableFiles:
    """Return a table of a snapshot.

    Raises:
        UnknownNameError: The snapshot has no table of this name.
    """
    if not isinstance(name, str) or name not in commit.tables:
        raise UnknownNameError("table", name, sorted(commit.tables))
    return commit.tables[name]


def _moment(as_of: str | date) -> datetime:
    """Return the moment that a date, the end of its day, or a time stands for."""
    if isinstance(as_of, str):
        as_of = _parsed(as_of)
    if not isinstance(as_of, date):
        raise _refused(as_of)
    if not isinstance(as_of, datetime):
        as_of = datetime.combine(as_of, time.max)
    return as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)


def _parsed(text: str) -> date:
    for kind in (date, datetime):
        with suppress(ValueError):
            return kind.fromisoformat(text)
    raise _refused(text)


def _refused(as_of: object) -> LakeError:
    return LakeError(f"as_of (--as-of): expected a snapshot's name, a date or a time, found {shown(repr(as_of))}")
