"""The files of documents in a snapshot, by resource."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock

from lake.commit import Commit, DataFile, read_file
from lake.documents import DOCUMENTS, DOCUMENTS_PARTITION, DocumentFile
from lake.errors import MissingObjectError
from lake.layout import SnapshotId, file_key, part_name, part_number
from lake.store import Store

# All documents of PokeAPI are 10 MB packed.
HELD_BYTES = 12 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of the table of documents, and the snapshot in whose folder it lies.

    `number` is what it gets in the snapshot in the making, None if that is its own.
    """

    snapshot: SnapshotId
    file: DataFile
    number: int | None = None

    @property
    def placed(self) -> DataFile:
        """The file as the snapshot in the making has it."""
        if self.number is None:
            return self.file
        return replace(self.file, name=part_name(DOCUMENTS_PARTITION, str(self.file.partition), self.number))

    def numbered(self, number: int) -> "StoredFile":
        """Return it with a number in the snapshot in the making."""
        return self if number == part_number(self.file.name) else replace(self, number=number)


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


class _Held:
    """Small files that were read or written for one snapshot in the making, because several of its units read them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of = ""
        self._bodies: OrderedDict[str, bytes] = OrderedDict()

    def read(self, of: str, name: str, read: Callable[[], bytes]) -> bytes:
        """Return the content with this hash or key, which `read` returns if it is not held."""
        with self._lock:
            self._begin(of)
            if name in self._bodies:
                self._bodies.move_to_end(name)
                return self._bodies[name]
        body = read()
        with self._lock:
            if of == self._of:
                self._keep(name, body)
        return body

    def hold(self, of: str, name: str, body: bytes) -> None:
        """Hold a content with this hash for those who read it next."""
        with self._lock:
            self._begin(of)
            self._keep(name, body)

    def _begin(self, of: str) -> None:
        if of != self._of:
            self._of, self._bodies = of, OrderedDict()

    def _keep(self, name: str, body: bytes) -> None:
        self._bodies[name] = body
        while sum(map(len, self._bodies.values())) > HELD_BYTES:
            self._bodies.popitem(last=False)


_HELD = _Held()


def find_shared(store: Store, snapshot: str, key: str) -> bytes | None:
    """Return an object that several units of work on a snapshot in the making read; None if it is gone."""
    with suppress(MissingObjectError):
        return _HELD.read(snapshot, key, partial(store.get, key))
    return None


def write_documents(store: Store, snapshot: str, file: DataFile, body: bytes) -> StoredFile:
    """Write a file of documents into a snapshot in the making; it is held for the units that read it next."""
    store.create(file_key(snapshot, DOCUMENTS.name, file.name), body)
    _HELD.hold(snapshot, file.sha256, body)
    return StoredFile(snapshot, file)


def open_documents(store: Store, files: Sequence[StoredFile], snapshot: str = "") -> DocumentFile:
    """Return the documents of some files of one resource; each is read when its documents are first asked for.

    Of what is read for a `snapshot` in the making, or written into it, some is held for those who read it next.
    """

    def read(stored: StoredFile) -> bytes:
        fetch = partial(read_file, store, stored.snapshot, DOCUMENTS.name, stored.file)
        return _HELD.read(snapshot, stored.file.sha256, fetch) if snapshot else fetch()

    return DocumentFile(*(partial(read, stored) for stored in files))
