"""A DuckDB connection of one's own, in which the tables and ready views of one snapshot are views."""

import duckdb

from lake.commit import Commit
from lake.read.relations import add_all
from lake.store import Store


def connect(store: Store, commit: Commit) -> duckdb.DuckDBPyConnection:
    """Return a connection to a database in memory; what is read of its views is fetched when it is asked for.

    Raises:
        LakeError: The list of a table's fields cannot be read.
    """
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        add_all(connection, store, commit)
    except BaseException:
        connection.close()
        raise
    return connection
