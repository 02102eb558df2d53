"""The files of documents in a snapshot, by resource."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lake.commit import Commit, DataFile, read_file
from lake.documents import DOCUMENTS, DocumentFile
from lake.layout import SnapshotId, part_number
from lake.store import Store


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of the table of documents, and the snapshot in whose folder it lies."""

    snapshot: SnapshotId
    file: DataFile


def document_files(commit: Commit | None) -> dict[str, tuple[StoredFile, ...]]:
    """Return the files of every resource's documents in a published snapshot, by ascending ids of their documents.

    A commit without documents was made by other hands; whoever crawls after it asks for every document anew.
    """
    found: dict[str, list[StoredFile]] = defaultdict(list)
    for file in commit.tables[DOCUMENTS.name].files if commit and DOCUMENTS.name in commit.tables else ():
        if commit is not None and file.partition is not None:
            found[str(file.partition)].append(StoredFile(commit.snapshot, file))
    return {
        name: tuple(sorted(files, key=lambda stored: part_number(stored.file.name))) for name, files in found.items()
    }


def open_documents(store: Store, files: Sequence[StoredFile]) -> DocumentFile:
    """Return the documents of some files of one resource; each is read when its documents are first asked for."""
    return DocumentFile(*(partial(read_file, store, stored.snapshot, DOCUMENTS.name, stored.file) for stored in files))
