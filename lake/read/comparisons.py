"""What a lake's readers ask about two snapshots."""

from abc import ABC, abstractmethod
from datetime import date
from typing import TYPE_CHECKING, overload

from lake.commit import Commit, parent_of
from lake.errors import LakeError
from lake.read.history import History
from lake.read.part import part_of_lake
from lake.store import Store
from lake.text import shown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@part_of_lake
class Comparisons(ABC):
    """One part of `Lake`: its methods that compare two snapshots.

    Of each method, `before` and `after` are a snapshot's name, a date (its end, in UTC) or a time. Without `before` it
    is the snapshot that `after` followed, and without `after` the current one; `after` may be the earlier of the two.
    The names of both stand in the frame's ``attrs``: ``before`` and ``after``.
    """

    store: Store
    _history: History

    @abstractmethod
    def commit(self, as_of: str | date | None = None) -> Commit:
        """Return the commit of a snapshot."""

    @overload
    def diff(self, table: str, before: str | date | None = None, after: str | date | None = None) -> "pd.DataFrame": ...

    @overload
    def diff(self, *, before: str | date | None = None, after: str | date | None = None) -> "pd.DataFrame": ...

    def diff(
        self, table: str | None = None, before: str | date | None = None, after: str | date | None = None
    ) -> "pd.DataFrame":
        """Return the rows of a table that differ between two snapshots; without a table, how many of each table do.

        ``lake.diff("moves", "2026-08-01")`` returns one row per key whose row was added, removed or changed, sorted by
        key. The columns: ``row_change`` (``added``, ``removed`` or ``changed``); the primary key; ``changed_columns``,
        their names separated by commas, null for a row that was added or removed; and of every other column its value
        after (of a removed row its last one), followed by ``<column>_before``, null unless it changed. Integers and
        booleans can always hold nulls.

        ``lake.diff(before="2026-08-01")`` returns one row per table of either snapshot: ``table``, and how many of its
        rows were ``added``, ``removed`` and ``changed``; null where they cannot be compared, because the primary key or
        the type of a column differs. ``lake.diff()`` tells what the current snapshot changed.

        A row whose key changed was removed and added; where the key holds an ordinal, what is inserted into a list
        changes the rows after it. A column that one snapshot lacks counts as null there, and
        a table that one of them lacks as empty. Of ``documents`` the hash stands for the body, which is left out;
        `document` returns it. Files that are the same in both snapshots are not fetched.

        Args:
            table: The name of a table. Default: all tables.
            before: A snapshot's name, a date or a time. Default: the snapshot that `after` followed.
            after: The same; without it, the current snapshot. It may be the earlier one of the two.

        Raises:
            UnknownNameError: No such snapshot, or neither has such a table.
            LakeError: The table's primary key, or the type of a column, is not the same in both; or there is no
                snapshot before the first one.
        """
        from lake.read.diff import diff, summary

        if isinstance(table, date) or (isinstance(table, str) and table[:1].isdigit()):
            said = shown(str(table))
            raise LakeError(f'table: expected its name, found {said}; of all tables it is diff(before="{said}")')
        old, new = self._pair(before, after)
        rows = summary(self.store, old, new) if table is None else diff(self.store, table, old, new)
        return _framed(rows, old, new)

    def changes(
        self, before: str | date | None = None, after: str | date | None = None, kind: str | None = None
    ) -> "pd.DataFrame":
        """Return one row per document that came, went or has another name, in full, sorted by resource and id.

        The columns: ``kind``, ``resource``, ``id``, ``old_name`` and ``new_name`` (null where there was, or is, no
        document, or none with a name), and ``path``, where the document lies below the source's address. The kinds:

        * ``added``: the document is new.
        * ``deleted``: it is gone.
        * ``renamed``: it has another name, and no other document of its resource has the old one.
        * ``reused``: its id stands for something else, because its old name stands under another id, or because most of
          what the document says is another thing. Whoever keeps such an id must look it up by its name.

        Names are read from the documents of both snapshots; files that are the same in both are fetched only where the
        old name of an id may stand in one.

        Args:
            before: A snapshot's name, a date or a time. Default: the snapshot that `after` followed.
            after: The same; without it, the current snapshot. It may be the earlier one of the two.
            kind: One kind alone. Default: all.

        Raises:
            UnknownNameError: No such snapshot or kind.
            LakeError: A file is not what its commit says; or there is no snapshot before the first one.
        """
        from lake.read.changes import changes

        old, new = self._pair(before, after)
        return _framed(changes(self.store, old, new, kind), old, new)

    def _pair(self, before: str | date | None, after: str | date | None) -> tuple[Commit, Commit]:
        later = self.commit() if after is None else self._history.commit(after, "after")
        if before is not None:
            return self._history.commit(before, "before"), later
        if later.parent is None:
            raise LakeError(f"before: {later.snapshot} is the first snapshot; there is none to compare it with")
        earlier = parent_of(self.store, later)
        if earlier is None:
            raise LakeError(f"before: {later.parent}, which {later.snapshot} followed, is forgotten; name another one")
        return earlier, later


def _framed(rows: "pa.Table", before: Commit, after: Commit) -> "pd.DataFrame":
    from lake.read.frames import frame_of

    frame = frame_of(rows)
    frame.attrs.update(before=before.snapshot, after=after.snapshot)
    return frame
