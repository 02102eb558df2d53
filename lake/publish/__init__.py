"""Writes Parquet into a fresh folder that no reader knows, audits it, and publishes it by creating one commit."""

from lake.publish.attempt import claim_attempt, forget_attempt, note_attempt, remove_attempts
from lake.publish.audit import audit_collections, audit_fields, audit_identity, audit_run, audit_table
from lake.publish.check import Checked, KeyCheck
from lake.publish.finding import Finding, Level, further, questions, refusals, some
from lake.publish.parquet import EncodedFile, FileStyle, TableWriter
from lake.publish.snapshot import (
    ListedFile,
    SnapshotWriter,
    commit_snapshot,
    file_hashes,
    remove_snapshot,
    same_files,
    table_files,
)

__all__ = [
    "Checked",
    "EncodedFile",
    "FileStyle",
    "Finding",
    "KeyCheck",
    "Level",
    "ListedFile",
    "SnapshotWriter",
    "TableWriter",
    "audit_collections",
    "audit_fields",
    "audit_identity",
    "audit_run",
    "audit_table",
    "claim_attempt",
    "commit_snapshot",
    "file_hashes",
    "forget_attempt",
    "further",
    "note_attempt",
    "questions",
    "refusals",
    "remove_attempts",
    "remove_snapshot",
    "same_files",
    "some",
    "table_files",
]
