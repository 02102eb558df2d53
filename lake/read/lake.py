"""The lake as its readers see it: one object, and a method for every question.

Each method loads what it needs, because pandas, DuckDB and pyarrow's datasets take a second to load, and no question
needs all of them.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from lake.commit import Commit
from lake.layout import snapshot_folder, table_folder
from lake.read.comparisons import Comparisons
from lake.read.history import History
from lake.read.in_duckdb import InDuckDB
from lake.store import Store

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.dataset as ds

    from lake.read.filters import Filters

# The columns of a list of snapshots, also of none.
_SNAPSHOT = ("snapshot", "committed_at", "documents", "added", "modified", "deleted", "bytes", "failed", "restores")


class Lake(InDuckDB, Comparisons):
    """One lake as its readers see it; holds an S3 client open and remembers commits, which never change.

    Args:
        lake: ``s3://bucket/prefix``, with credentials, region and endpoint as boto3 finds them; or an open store.

    Every method that takes `as_of` reads the current snapshot without it, and otherwise a snapshot's name, or the
    one that was current at a time: a date means its end, in UTC. Each raises `UnknownNameError` for a snapshot or
    table that does not exist, and `LakeError` for a file that is not what its commit says.

    Each call sees one whole snapshot. Two calls without `as_of` may see two, because one may be published between
    them; what belongs together is read from one `at`.
    """

    def __init__(self, lake: str | Store) -> None:
        self.store = lake if isinstance(lake, Store) else Store.at(lake)
        self._history = History(self.store)
        self._pinned: Commit | None = None

    def at(self, as_of: str | date | None = None) -> "Lake":
        """Return this lake as it is at one snapshot: the current one, or the one that `as_of` names.

        Whatever is published later, its methods read this snapshot where they are given no `as_of`, and `diff` and
        `changes` where they are given no `after`. `snapshots` goes on to return all. The name of the snapshot is
        ``commit().snapshot``. Only `maintain` can end it: files of a snapshot that it forgets stay for two days at
        least::

            today = lake.at()
            strong = today.read("pokemon").merge(today.read("pokemon_stats"), on="pokemon_id")
        """
        pinned = Lake(self.store)
        pinned._history, pinned._pinned = self._history, self.commit(as_of)
        return pinned

    def __repr__(self) -> str:
        """Return one line: address, current snapshot, tables and rows, or why it cannot be read. Never raises.

        That takes two requests, and one once they were made, of a lake of up to a thousand snapshots.
        """
        from lake.read.face import as_text

        return as_text(self.store, self.commit)

    def _repr_html_(self) -> str:
        """Return the same for a notebook, with a list of the tables to unfold."""
        from lake.read.face import as_html

        return as_html(self.store, self.commit)

    @property
    def current(self) -> str:
        """The folder of the current snapshot, ``s3://…/snapshots/<name>/``, with a folder for each table: two requests.

        Of `at`, it is that of its own snapshot, and takes none.

        Raises:
            LakeError: Nothing was ever published.
        """
        return self.store.uri(snapshot_folder(self.commit().snapshot))

    def snapshots(self, limit: int | None = None) -> "pd.DataFrame":
        """Return one row per published snapshot, newest first; `restores` names the one that it publishes again.

        Each is a request; `limit` asks for so many, the newest ones.
        """
        from lake.read.frames import listed

        return listed(
            [
                {
                    "snapshot": commit.snapshot,
                    "committed_at": commit.committed_at,
                    "documents": commit.tables["documents"].rows if "documents" in commit.tables else 0,
                    **{kind: commit.totals()[kind] for kind in ("added", "modified", "deleted")},
                    "bytes": sum(table.bytes for table in commit.tables.values()),
                    "failed": len(commit.stale) + len(commit.missing),
                    "restores": commit.restores.snapshot if commit.restores else None,
                }
                for commit in self._history.commits(limit)
            ],
            _SNAPSHOT,
        )

    def tables(self, as_of: str | date | None = None) -> "pd.DataFrame":
        """Return one row per table and ready view of a snapshot: rows, bytes, partitions, and what a row stands for.

        `kind` is ``table`` or ``view``. Views are made of the tables when somebody asks for them, so they have no
        files, and nobody has counted their rows: `rows`, `bytes` and `partitions` are null.
        """
        from lake.read.frames import listed
        from lake.read.ready import ready_views

        commit = self.commit(as_of)
        tables = [
            {
                "table": name,
                "kind": "table",
                "rows": table.rows,
                "bytes": table.bytes,
                "partitions": len({file.partition for file in table.files}) if table.partition else 0,
                "grain": table.grain,
            }
            for name, table in sorted(commit.tables.items())
        ]
        views = [{"table": view.name, "kind": "view", "grain": view.table.grain} for view in ready_views(commit)]
        counts = ("rows", "bytes", "partitions")
        return listed([*tables, *views]).astype(dict.fromkeys(counts, "Int64"))

    def columns(self, table: str, as_of: str | date | None = None) -> "pd.DataFrame":
        """Return one row per column of a table, as the metadata of the snapshot's own files describes them.

        The columns: ``name``; ``type``, as Arrow names it; ``unit``; ``description``, what its values mean;
        ``null_means``, what null means; ``stand_ins``, values that are no such thing as the others, such as 0 for
        unknown, with their meanings; ``references``, the resource whose id it holds; ``is_key``, whether it is part
        of the primary key; ``is_nullable``, whether a file can hold nulls of it at all; ``source``, where it stands in
        the document. The last row of a partitioned table is its partition. Where a file says nothing of the kind,
        there is null: a null in a column without ``null_means`` is not expected, and `audits` tells of it.

        What holds for the whole table stands in the frame's ``attrs``: ``table``, ``snapshot``, ``grain``, ``source``,
        ``primary_key`` and ``partition``. Only the smallest file of the table is fetched.

        Raises:
            UnknownNameError: No such table or snapshot.
            LakeError: The file cannot be read.
        """
        from lake.read.columns import NAMES, describe
        from lake.read.frames import listed

        found = describe(self.store, self.commit(as_of), table)
        frame = listed(found.columns, NAMES)
        frame.attrs.update(found.facts)
        return frame

    def docs(self, as_of: str | date | None = None) -> str:
        """Return a page of Markdown about all tables and ready views of a snapshot, as `columns` describes each.

        The smallest file of every table is fetched.

        Raises:
            UnknownNameError: No such snapshot.
            LakeError: A file cannot be read.
        """
        from lake.read.dictionary import dictionary

        return dictionary(self.store, self.commit(as_of))

    def audits(self, as_of: str | date | None = None) -> "pd.DataFrame":
        """Return one row per finding of a snapshot's audits: its level, rule, the table or resource, and the facts."""
        from lake.read.frames import listed

        return listed(self.commit(as_of).audits, ["level", "rule", "subject", "message"])

    def path(self, table: str, as_of: str | date | None = None) -> str:
        """Return the folder that holds a table's live files and nothing else, for ``pd.read_parquet`` and others.

        It ends in a slash, because some engines would take it for a file. The README has a line for each engine.
        """
        from lake.read.ready import require_files

        commit = self.commit(as_of)
        require_files(commit, table)
        return f"{self.store.uri(table_folder(commit.snapshot, table))}/"

    def read(
        self,
        table: str,
        filters: "Filters | None" = None,
        columns: Sequence[str] | None = None,
        as_of: str | date | None = None,
    ) -> "pd.DataFrame":
        """Read a table; of a partitioned one, a filter on its partition fetches only the files that can match.

        Every file is checked against the hash that its commit gives. A ready view, such as ``pokemon_wide``, is read
        as a table is; its rows are sorted by its key.

        The type of a column never depends on whether it has nulls: integers and booleans are ``Int32``, ``boolean`` and
        the like, but for the key and ``generation_id``, of which no file can hold nulls, and which are ``int32``. In a
        view all are of the first kind. Texts are ``str``, and ``object`` in pandas 2.

        A condition on ``generation``, the partition, takes 1 and ``"1"``. It is a column only where `columns` names it,
        because ``generation_id`` says the same; the same holds for ``resource`` and ``resource_name`` of ``documents``.

        The frame's ``attrs`` have the ``table``, the ``snapshot``, and by column the ``units`` and ``descriptions``.

        Raises:
            UnknownNameError: No such table, column, operator or snapshot.
            LakeError: A file is not what the commit says, or a filter's value does not fit its column.
        """
        from lake.read.reading import read_frame

        return read_frame(self.store, self.commit(as_of), table, filters, columns)

    def dataset(self, table: str, as_of: str | date | None = None) -> "ds.Dataset":
        """Open a table as a pyarrow dataset, for pyarrow itself, ``pl.scan_pyarrow_dataset``, DuckDB or Dask.

        Opening it fetches the first file; scanning it fetches the files of the partitions that can match. Files of up
        to 4 MiB, together up to 64 MiB, are fetched whole and checked against the hash that the commit gives. Of others
        only the columns asked for are fetched. Their pages are checked by checksums, which cover neither the pages'
        headers nor the footer. The same holds for all files of what is made of it, by `filter`, `join` or pickle.

        It keeps the credentials of this moment: where they are those of a role, open it anew once they expire.

        If scanning it fails, it raises ``OSError``; for a larger file that is damaged, pyarrow may raise others of its
        errors, such as ``ArrowInvalid``. It repeats most requests that S3 refuses, but none for a few bytes, so scan it
        again.
        """
        from lake.read.dataset import open_dataset
        from lake.read.ready import require_files

        commit = self.commit(as_of)
        require_files(commit, table)
        return open_dataset(self.store, commit, table)

    def document(
        self, resource: str, id: int | str | None = None, as_of: str | date | None = None, path: str | None = None
    ) -> bytes:
        """Return one document's JSON byte for byte as it was received, checked against its hash.

        ``lake.document("pokemon", 25)`` or ``lake.document("pokemon", "pikachu")``; the id of ``pokemon-encounters`` is
        the Pokémon's. By its name, a document is found by reading those of its resource. Documents of a source whose
        ids are texts are found by these, ``lake.document("servers", "blue")``, or by their path, which has the text
        percent-encoded: ``lake.document("servers", path="servers/blue")``.

        Raises:
            UnknownNameError: No such snapshot, resource or document.
            LakeError: Several documents have this id or name, or the body is not what its hash says.
        """
        from lake.read.document import read_document

        return read_document(self.store, self.commit(as_of), resource, id, path)

    def commit(self, as_of: str | date | None = None) -> Commit:
        """Return the commit of a snapshot: the current one (of `at`, its own), or the one that `as_of` names.

        Raises:
            UnknownNameError: No snapshot has this name, or none was published by then.
            LakeError: Nothing was ever published.
        """
        if as_of is None and self._pinned is not None:
            return self._pinned
        return self._history.commit(as_of)
