"""One table of one snapshot as a pyarrow dataset: opening it reads the first file's schema, scanning it the rest."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from lake.commit import Commit, DataFile, read_file
from lake.errors import LakeError
from lake.layout import file_key
from lake.read.files import partition_field, partition_guarantee, typed
from lake.read.history import table_of
from lake.store import PARALLEL_REQUESTS, Store

# Files of up to this many bytes are fetched whole, which takes hardly longer than requests for footer and pages. One
# scan fetches no more than that of them, because it holds them in memory. A lake of PokeAPI has 18 MB in all.
WHOLE_BYTES, SCANNED_WHOLE_BYTES = 4 << 20, 64 << 20

_PARQUET = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
)


class CheckedDataset(ds.FileSystemDataset):  # type: ignore[misc]
    """A dataset whose scans fetch small files whole, and check each by its hash; of large ones they fetch parts.

    The fetching is done before pyarrow's threads start, because Python that they call can lock them up. Pickled, it
    becomes pyarrow's own dataset, which fetches parts of all files.
    """

    def __init__(
        self,
        fragments: Sequence[ds.Fragment],
        schema: pa.Schema,
        filesystem: Any,
        small: Mapping[str, DataFile],
        fetch: Callable[[DataFile], bytes],
    ) -> None:
        super().__init__(fragments, schema, _PARQUET, filesystem)
        self._small, self._fetch = small, fetch

    def scanner(self, columns: Any = None, filter: ds.Expression | None = None, **options: Any) -> ds.Scanner:
        """Return a scanner of the files that can match, as pyarrow's own method does.

        Raises:
            OSError: A file cannot be fetched, or is not what its commit says.
        """
        fragments = list(self.get_fragments(filter))
        held = (self._small[fragment.path].bytes for fragment in fragments if fragment.path in self._small)
        if sum(held) <= SCANNED_WHOLE_BYTES:
            try:
                with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
                    fragments = list(pool.map(self._whole, fragments))
            except LakeError as error:
                raise OSError(str(error)) from error
        checked = ds.FileSystemDataset(fragments, self.schema, _PARQUET, self.filesystem)
        return checked.scanner(columns=columns, filter=filter, **options)

    def _whole(self, fragment: ds.Fragment) -> ds.Fragment:
        """Return a fragment with its content, if it is small."""
        if fragment.path not in self._small:
            return fragment
        body = self._fetch(self._small[fragment.path])
        return _PARQUET.make_fragment(pa.py_buffer(body), partition_expression=fragment.partition_expression)


def open_dataset(
    store: Store,
    commit: Commit,
    name: str,
    files: Sequence[DataFile] | None = None,
    whole_bytes: int | None = None,
    schema: pa.Schema | None = None,
) -> ds.Dataset:
    """Return a table as a dataset: of all its files that the commit names, or of those that are given.

    The first file is opened for the `schema` of all, unless that is given.

    Files of up to `whole_bytes` (default: `WHOLE_BYTES`) are checked by their hashes; of others, pages are checked by
    the checksums that were written with them.

    Raises:
        UnknownNameError: No such table.
        LakeError: The first file, whose schema holds for all, cannot be read.
    """
    table = table_of(commit, name)
    files = table.files if files is None else files
    filesystem = store.filesystem()
    root = f"{store.bucket}/{store.prefix}"
    paths = {root + file_key(commit.snapshot, name, file.name): file for file in files}
    field = partition_field(table) if table.partition else None
    fragments = [
        _PARQUET.make_fragment(
            path,
            filesystem,
            partition_guarantee(field, file) if field is not None else None,
            # Without its size, every file costs one more request.
            file_size=file.bytes,
        )
        for path, file in paths.items()
    ]
    limit = WHOLE_BYTES if whole_bytes is None else whole_bytes
    small = {path: file for path, file in paths.items() if file.bytes <= limit}
    opened: dict[DataFile, bytes] = {}

    def fetch(file: DataFile) -> bytes:
        return opened[file] if file in opened else read_file(store, commit.snapshot, name, file)

    try:
        if schema is None and fragments[0].path in small:
            opened[files[0]] = fetch(files[0])
            schema = pq.read_schema(pa.BufferReader(opened[files[0]]))
        elif schema is None:
            schema = fragments[0].physical_schema
    except (OSError, pa.ArrowException) as error:
        raise LakeError(f"s3://{fragments[0].path}: expected Parquet that can be read: {error}") from error
    schema = typed(schema, table)
    if field is not None:
        schema = schema.append(field)
    return CheckedDataset(fragments, schema, filesystem, small, fetch)
