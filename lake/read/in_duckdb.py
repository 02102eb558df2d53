"""What DuckDB does for readers of a lake: queries, a connection of their own, and a snapshot to take home."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from lake.commit import Commit
from lake.read.part import part_of_lake
from lake.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pandas as pd

    from lake.read.query import Parameters


@part_of_lake
class InDuckDB(ABC):
    """One part of `Lake`: its methods that take SQL, or write what takes it."""

    store: Store

    @abstractmethod
    def commit(self, as_of: str | date | None = None) -> Commit:
        """Return the commit of a snapshot."""

    def sql(self, query: str, *, params: "Parameters | None" = None, as_of: str | date | None = None) -> "pd.DataFrame":
        """Return the rows of one query in DuckDB's SQL, in which every table and ready view of a snapshot is a view.

        ``generation`` is a column of partitioned tables, and ``resource`` of ``documents``; a filter on it fetches
        only the files that can match. They are checked as those of `dataset` are. Integers and booleans can always
        hold nulls (``Int32``, ``boolean``). Of two columns with one name, such as ``a``, the second is called ``a_1``.

        Values go into `params`, never into the text: a list for ``?``, a dict for names, as in
        ``lake.sql("FROM pokemon WHERE name = $name", params={"name": "mew"})``.

        The frame's ``attrs`` have the ``snapshot``. Unlike those of `read` they have no units and no descriptions,
        because DuckDB does not tell which column of which table a result is.

        A query reaches these tables and nothing else: no file, no address, no secret. It runs in memory, and writes
        nothing; what `connect` returns may do all of that.

        Raises:
            UnknownNameError: No such table or snapshot.
            LakeError: It is not one query, DuckDB refuses it, or pandas cannot hold what comes out.
        """
        from lake.read.frames import frame_of
        from lake.read.query import query as run

        commit = self.commit(as_of)
        frame = frame_of(run(self.store, commit, query, params))
        frame.attrs["snapshot"] = commit.snapshot
        return frame

    def connect(self, as_of: str | date | None = None) -> "duckdb.DuckDBPyConnection":
        """Return a DuckDB connection of your own, in which every table and ready view of a snapshot is a view.

        They bear comments, in ``duckdb_views()``, ``duckdb_columns()`` and ``information_schema.columns``. Join them
        with your own DataFrames, make tables of them, hand the connection to a notebook's SQL cells or to ibis (which,
        in version 12, cannot list tables of DuckDB 2, but reads those that it is told). It stays with the snapshot and
        fetches what a query reads; opening it takes a small request for each table::

            con = lake.connect()
            mine = pd.DataFrame({"name": ["pikachu", "mew"], "level": [50, 70]})
            con.sql("SELECT * FROM mine JOIN pokemon_wide USING (name)").df()

        It keeps the credentials of this moment, as `dataset` does; where a request fails, ask again. Close it, or use
        it as a context. Unlike `sql` it may do what DuckDB may: read files of this machine, and write some.

        Raises:
            UnknownNameError: No such snapshot.
            LakeError: What a table's fields are cannot be read.
        """
        from lake.read.connect import connect

        return connect(self.store, self.commit(as_of))

    def export(
        self, target: "str | Path", tables: Sequence[str] | None = None, as_of: str | date | None = None
    ) -> "Path":
        """Write a snapshot into a new file or folder that is read without this package, and return its path.

        ``lake.export("pokeapi.duckdb")`` makes a DuckDB file: tables with keys and comments, the ready views, and a
        table ``_snapshot`` that says which one it is. ``lake.export("pokeapi")`` makes a folder: a Parquet file for
        each table and view, and a README. `tables` names some of them; a view brings the tables that it is made of.
        What is written appears when it is whole, and nothing is overwritten.

        Raises:
            UnknownNameError: No such snapshot, table or view.
            LakeError: Something is there already, cannot be written, or cannot be read.
        """
        from pathlib import Path

        from lake.read.export import export

        return export(self.store, self.commit(as_of), Path(target), tables)
