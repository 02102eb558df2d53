"""What a draft must do otherwise than planned, because documents or files turned out to be wrong."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from lake.accept import accepted
from lake.bucket import command_on
from lake.commit import Commit, DataFile, read_commit, read_file
from lake.documents import DOCUMENTS
from lake.errors import DamagedObjectError, MissingObjectError, StoreError
from lake.layout import file_key, snapshot_folder
from lake.numbers import newest_first
from lake.publish import Finding, Level
from lake.resource import Failure
from lake.store import PARALLEL_REQUESTS, Store, StoredObject
from lake.text import counted, shown


@dataclass(frozen=True, slots=True)
class Mending:
    """What was found wrong on the way to a draft.

    `rejected` are the ids, by resource, of fetched documents that are not taken: each keeps its last good version.
    `damaged` are the parent's files that are missing in the bucket or have another content, by table, and by
    resource for files of documents. `twins` names, by the name of a file of documents, another snapshot that has the
    same file whole.
    """

    rejected: Mapping[str, Collection[int]] = field(default_factory=dict)
    damaged: Mapping[str, tuple[DataFile, ...]] = field(default_factory=dict)
    twins: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> set[str]:
        """The tables that must be built anew."""
        return self.damaged.keys() - {DOCUMENTS.name}

    @property
    def resources(self) -> set[str]:
        """The resources whose documents at hand are lost."""
        lost = (file for file in self.damaged.get(DOCUMENTS.name, ()) if file.name not in self.twins)
        return {str(file.partition) for file in lost}

    def rejecting(self, found: Iterable[Failure]) -> "Mending":
        """Return the same with more rejected documents."""
        rejected = {resource: set(ids) for resource, ids in self.rejected.items()}
        for failure in found:
            rejected.setdefault(failure.resource, set()).add(failure.id)
        return replace(self, rejected=rejected)

    def require_fetched(self, store: Store, parent: Commit, anew: Collection[str], dropped: Collection[str]) -> None:
        """Raise `StoreError` if documents are lost that this run has not fetched anew."""
        if lost := sorted(self.resources - set(anew) - set(dropped)):
            raise StoreError(
                f"{store.uri(snapshot_folder(parent.snapshot))}: the documents of {', '.join(lost)} are missing or"
                f" damaged, so nothing was published; run `{command_on(store.uri(), 'refresh', '--force')}` (the"
                " deployment refresh/refresh with force=true) without a choice of resources, which fetches them anew. A"
                ' collection that the source has no longer goes by --allow-shrink (the parameter allow_shrink=["NAME"])'
            )

    def findings(self, parent: Commit | None) -> Iterable[Finding]:
        """Yield what the commit keeps of damaged files."""
        for name, files in self.damaged.items():
            is_documents = name == DOCUMENTS.name
            for subject in sorted({str(file.partition) for file in files}) if is_documents else [name]:
                own = [file.name for file in files if not is_documents or file.partition == subject]
                how = "fetched anew" if is_documents else "built anew"
                if is_documents and subject not in self.resources:
                    how = f"taken from {', '.join(sorted({self.twins[name] for name in own}))}"
                assert parent is not None, "without a parent nothing can be damaged"
                yield Finding(
                    Level.WARN,
                    "damaged",
                    subject,
                    f"{counted(len(own), 'file')} of {parent.snapshot}, missing or damaged in the bucket, {how}:"
                    f" {shown(', '.join(own))}",
                )


def twins_of(store: Store, commit: Commit, damaged: Mapping[str, tuple[DataFile, ...]]) -> dict[str, str]:
    """Return, for the damaged files of documents, the newest other snapshot that has the same file whole.

    The documents of most resources are the same for months, and each snapshot has files of its own.
    """
    wanted = {file.name: file for file in damaged.get(DOCUMENTS.name, ())}
    twins = dict[str, str]()
    for seq in newest_first(store) if wanted else ():
        other = accepted(seq, partial(read_commit, store))
        if other is None or other.snapshot == commit.snapshot or DOCUMENTS.name not in other.tables:
            continue
        for file in other.tables[DOCUMENTS.name].files:
            if file.name not in twins and file == wanted.get(file.name):
                key = file_key(other.snapshot, DOCUMENTS.name, file.name)
                if store.digest(key) == (file.bytes, file.sha256):
                    twins[file.name] = other.snapshot
        if len(twins) == len(wanted):
            break
    return twins


def damaged_files(
    store: Store, commit: Commit | None, *, is_read: bool, listed: Iterable[StoredObject] | None = None
) -> dict[str, tuple[DataFile, ...]]:
    """Return the files of a snapshot that are missing in the bucket or differ from the commit, by table.

    The sizes come from a listing of its folder; `listed` is one that was asked for. Only with `is_read` all files are
    read and their hashes compared.
    """
    if commit is None:
        return {}
    found = store.list(snapshot_folder(commit.snapshot)) if listed is None else listed
    sizes = {item.key: item.size for item in found}

    def is_whole(place: tuple[str, DataFile]) -> bool:
        name, file = place
        if sizes.get(file_key(commit.snapshot, name, file.name)) != file.bytes:
            return False
        try:
            if is_read:
                read_file(store, commit.snapshot, name, file)
        except (DamagedObjectError, MissingObjectError):
            return False
        return True

    every = [(name, file) for name, table in commit.tables.items() for file in table.files]
    with ThreadPoolExecutor(PARALLEL_REQUESTS, thread_name_prefix="look") as pool:
        whole = list(pool.map(is_whole, every))
    damaged: dict[str, tuple[DataFile, ...]] = {}
    for (name, file), good in zip(every, whole, strict=True):
        if not good:
            damaged[name] = (*damaged.get(name, ()), file)
    return damaged
