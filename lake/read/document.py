"""One document as it was received, at any snapshot."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from operator import index
from typing import SupportsIndex

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.commit import Commit, DataFile
from lake.errors import LakeError, UnknownNameError
from lake.read.dataset import open_dataset
from lake.read.history import table_of
from lake.store import Store
from lake.text import shown

TABLE = "documents"


def read_document(store: Store, commit: Commit, resource: str, id_: int | None, path: str | None) -> bytes:
    """Return the JSON of one document byte for byte; fetches only the row groups that can hold it.

    Where these do not hold it, the file may have been damaged on its way, and is read as `open_dataset` does.

    Raises:
        UnknownNameError: No such resource, or no such document in it.
        LakeError: Several documents have this id, or the body is not what its hash says.
    """
    if id_ is None and path is None:
        raise LakeError(f"{resource}: expected the id of a document or its path, found neither")
    if id_ is not None:
        id_ = _whole(resource, id_)
    if path is not None and not (isinstance(path, str) and path.encode(errors="ignore").decode() == path):
        raise LakeError(f"{resource}: expected a document's path as text, found {shown(repr(path))}")
    files = [
        file
        for file in table_of(commit, TABLE).files
        if isinstance(resource, str) and file.partition == resource and file.rows
    ]
    if not files:
        known = sorted({str(file.partition) for file in table_of(commit, TABLE).files if file.rows})
        raise UnknownNameError("resource", resource, known)
    wanted = ds.scalar(True)
    if id_ is not None:
        wanted &= ds.field("id") == id_
    if path is not None:
        wanted &= ds.field("path") == path
    rows: list[dict[str, str]] = []
    with suppress(LakeError):
        rows = _scan(store, commit, files, ["path", "sha256", "body"], wanted, whole_bytes=0).to_pylist()
    if len(rows) != 1 or not _is_whole(rows[0]):
        rows = _scan(store, commit, files, ["path", "sha256", "body"], wanted).to_pylist()
    if len(rows) > 1:
        paths = ", ".join(row["path"] for row in rows)
        raise LakeError(f"{resource}: {len(rows)} documents have the id {id_}; pass one path (--path): {paths}")
    if not rows:
        ids = pc.min_max(_scan(store, commit, files, ["id"])["id"]).as_py()
        held = f"{sum(file.rows for file in files)} with ids from {ids['min']} to {ids['max']}"
        raise UnknownNameError(f"document of {resource}", str(id_) if path is None else path, [held])
    [row] = rows
    if not _is_whole(row):
        raise LakeError(f"{row['path']}: expected the body with SHA-256 {row['sha256']}, found another")
    return row["body"].encode()


def _is_whole(row: Mapping[str, str]) -> bool:
    return sha256(row["body"].encode()).hexdigest() == row["sha256"]


def _whole(resource: str, id_: object) -> int:
    """Return an id that may be of any type of whole numbers, such as a value of a column."""
    if isinstance(id_, float) and id_.is_integer():
        id_ = int(id_)
    if not isinstance(id_, SupportsIndex) or isinstance(id_, bool) or not -(2**63) <= index(id_) < 2**63:
        raise LakeError(f"{resource}: expected a document's id as a whole number of 64 bits, found {shown(repr(id_))}")
    return index(id_)


def _scan(
    store: Store,
    commit: Commit,
    files: Sequence[DataFile],
    columns: Sequence[str],
    wanted: ds.Expression | None = None,
    whole_bytes: int | None = None,
) -> pa.Table:
    dataset = open_dataset(store, commit, TABLE, files, whole_bytes)
    try:
        return dataset.to_table(columns=list(columns), filter=wanted)
    except (OSError, pa.ArrowException) as error:
        raise LakeError(f"{TABLE} of {commit.snapshot}: {error}") from error
