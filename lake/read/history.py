"""The published snapshots over time, and which of them a name, a date or a time stands for."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time

from lake.bucket import command_on
from lake.commit import Commit, TableFiles
from lake.errors import LakeError, UnknownNameError
from lake.layout import is_snapshot_id
from lake.past import Past
from lake.store import Store
from lake.text import shown

# Snapshots that are named to somebody who names one that there is not.
_NAMED = 20


class History:
    """The commits of one lake; remembers the last few that were read, because they never change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._past = Past(store)

    def commits(self, limit: int | None = None) -> Iterator[Commit]:
        """Yield every commit, or so many, the newest first; none is kept."""
        return self._past.commits(limit)

    def commit(self, as_of: str | date | None = None) -> Commit:
        """Return the commit of a snapshot: the current one, or the one that `as_of` names.

        Raises:
            UnknownNameError: No snapshot has this name, or none was published by then.
            LakeError: Nothing was ever published.
        """
        if as_of is None:
            commit = self._past.current()
        elif isinstance(as_of, str) and is_snapshot_id(as_of):
            commit = self._past.named(as_of)
        else:
            commit = self._past.at(_moment(as_of))
        if commit is not None:
            return commit
        if names := self._past.names(_NAMED):
            when = as_of is not None and not is_snapshot_id(str(as_of))
            asked = f"as_of (--as-of): no snapshot was published by {shown(str(as_of))}" if when else ""
            raise UnknownNameError("snapshot", str(as_of), names, asked=asked)
        uri = self._store.uri()
        raise LakeError(f"{uri}: nothing was ever published here; run `{command_on(uri, 'refresh')}` first")


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
