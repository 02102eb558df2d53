"""One table of one snapshot as a pyarrow dataset: opening it fetches one file's footer, scanning it the rest."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.dataset as ds

from lake.commit import Commit, DataFile
from lake.errors import LakeError
from lake.layout import file_key
from lake.read.files import partition_field, partition_guarantee
from lake.read.history import table_of
from lake.store import Store


def open_dataset(store: Store, commit: Commit, name: str, files: Sequence[DataFile] | None = None) -> ds.Dataset:
    """Return a table as a dataset: of all its files that the commit names, or of those that are given.

    Pages are checked by the checksums that were written with them.

    Raises:
        UnknownNameError: No such table.
        LakeError: The first file, whose schema holds for all, cannot be read.
    """
    table = table_of(commit, name)
    files = table.files if files is None else files
    filesystem = store.filesystem()
    root = f"{store.bucket}/{store.prefix}"
    parquet = ds.ParquetFileFormat(
        default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    )
    field = partition_field(table) if table.partition else None
    fragments = [
        parquet.make_fragment(
            root + file_key(commit.snapshot, name, file.name),
            filesystem,
            partition_guarantee(field, file) if field is not None else None,
            # Without its size, every file costs one more request.
            file_size=file.bytes,
        )
        for file in files
    ]
    try:
        schema = fragments[0].physical_schema
    except (OSError, pa.ArrowException) as error:
        raise LakeError(f"s3://{fragments[0].path}: expected Parquet that can be read: {error}") from error
    if field is not None:
        schema = schema.append(field)
    return ds.FileSystemDataset(fragments, schema, parquet, filesystem)
