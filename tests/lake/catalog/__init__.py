"""Tests of the catalog: lakes published by hand, and moto's Glue."""

from typing import Any

import boto3


def tables_of(database: str) -> dict[str, dict[str, Any]]:
    """Return what Glue keeps of each table of a database."""
    found = boto3.client("glue").get_tables(DatabaseName=database)["TableList"]
    return {table["Name"]: table for table in found}


def snapshots_of(database: str) -> dict[str, str]:
    """Return the snapshot that each table of a database shows."""
    return {name: table["Parameters"]["pokelake.snapshot"] for name, table in tables_of(database).items()}
