"""The published snapshots over time, and which of them a name, a date or a time stands for."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time
from operator import index
from typing import SupportsIndex

from lake.bucket import command_on
from lake.commit import Commit, TableFiles
from lake.errors import LakeError, UnknownNameError, nearest
from lake.layout import is_snapshot_id
from lake.past import Past
from lake.store import Store
from lake.text import shown

# Snapshots that are named to somebody who names one that there is not.
_NAMED = 20

# A shorter text is no snapshot's name with a slip in it.
_SHORTEST = 12


class History:
    """The commits of one lake; remembers the last few that were read, because they never change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._past = Past(store)

    def commits(self, limit: int | None = None) -> Iterator[Commit]:
        """Yield every commit, or so many, the newest first; none is kept.

        Raises:
            LakeError: That is no number of snapshots.
        """
        if limit is not None and not (isinstance(limit, SupportsIndex) and index(limit) >= 0):
            raise LakeError(f"limit: expected a number of snapshots, or None for all, found {shown(repr(limit))}")
        return self._past.commits(None if limit is None else index(limit))

    def commit(self, as_of: str | date | None = None, argument: str = "as_of (--as-of)") -> Commit:
        """Return the commit of a snapshot: the current one, or the one that `as_of` names, under that argument.

        Raises:
            UnknownNameError: No snapshot has this name, or none was published by then.
            LakeError: Nothing was ever published.
        """
        if as_of is None:
            commit = self._past.current()
        elif isinstance(as_of, str) and is_snapshot_id(as_of):
            commit = self._past.named(as_of)
        else:
            commit = self._past.at(self._moment(as_of, argument))
        if commit is not None:
            return commit
        if names := self._past.names(_NAMED):
            when = as_of is not None and not is_snapshot_id(str(as_of))
            if when:
                asked = f"{argument}: no snapshot was published by {shown(str(as_of))}"
                raise UnknownNameError("snapshot", str(as_of), names, asked=asked)
            # The names are not all that there are, so the newest are listed; their number would say nothing.
            raise UnknownNameError("snapshot", str(as_of), names[:_NAMED], near=nearest(str(as_of), names))
        uri = self._store.uri()
        raise LakeError(f"{uri}: nothing was ever published here; run `{command_on(uri, 'refresh')}` first")

    def _moment(self, as_of: object, argument: str) -> datetime:
        """Return the moment that a date, the end of its day, or a time stands for."""
        found = _parsed(as_of) if isinstance(as_of, str) else as_of
        # pandas has a moment that is none, which is not even equal to itself.
        if not isinstance(found, date) or found != found:
            near = nearest(as_of, self._past.names(_NAMED)) if isinstance(as_of, str) and len(as_of) > _SHORTEST else ()
            hint = f". Did you mean {' or '.join(near)}?" if near else ""
            said = f"expected a snapshot's name, a date or a time, found {shown(repr(as_of))}{hint}"
            raise LakeError(f"{argument}: {said}")
        if not isinstance(found, datetime):
            found = datetime.combine(found, time.max)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def table_of(commit: Commit, name: str) -> TableFiles:
    """Return a table of a snapshot.

    Raises:
        UnknownNameError: The snapshot has no table of this name.
    """
    if not isinstance(name, str) or name not in commit.tables:
        raise UnknownNameError("table", name, sorted(commit.tables))
    return commit.tables[name]


def _parsed(text: str) -> date | None:
    for kind in (date, datetime):
        with suppress(ValueError):
            return kind.fromisoformat(text)
    return None
