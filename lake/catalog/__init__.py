"""Describes a snapshot in AWS Glue's data catalog, so that Athena finds its tables by their names."""

from lake.catalog.database import Dropped, Registered, drop, register

__all__ = ["Dropped", "Registered", "drop", "register"]
