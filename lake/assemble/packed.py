"""The Parquet of a staged shard: documents as they came, for the hours until they are merged."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.documents import DOCUMENTS, PAGE_BYTES, SCHEMA, digest

# What is said of the columns, and statistics of others than ids, were more than the documents of many a shard.
_SCHEMA = pa.schema([field.remove_metadata() for field in SCHEMA])


class Packer:
    """Makes the Parquet of a staged shard, quickly and not as small as possible, because it lives for a day.

    Rows come in portions, which chance cuts; row groups have as many rows as fit `PAGE_BYTES` of bodies, so its size
    says where the documents are cut into parts.
    """

    def __init__(self) -> None:
        self._pending = SCHEMA.empty_table()
        self._sink = io.BytesIO()
        self._writer = pq.ParquetWriter(
            self._sink,
            _SCHEMA,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            write_statistics=["id"],
            store_schema=False,
            data_page_size=PAGE_BYTES,
        )

    def add(self, rows: pa.Table) -> None:
        """Pack more rows; those of a row group that is not full wait."""
        self._pending = pa.concat_tables([self._pending, rows])
        while (ends := np.cumsum(pc.binary_length(self._pending["body"]).to_numpy()))[-1:].sum() > PAGE_BYTES:
            self._flush(max(1, int(np.searchsorted(ends, PAGE_BYTES, side="right"))))

    def close(self) -> bytes:
        """Return what was packed."""
        self._flush(self._pending.num_rows)
        self._writer.close()
        return self._sink.getvalue()

    def _flush(self, count: int) -> None:
        # Pages end where chunks do.
        self._writer.write_table(self._pending.slice(0, count).combine_chunks())
        self._pending = self._pending.slice(count)


def unpack(body: bytes) -> pa.Table:
    """Return the rows of a staged shard, without those whose body does not have its hash.

    Raises:
        ValueError: They are no rows of `DOCUMENTS`; pyarrow has more errors for what is no Parquet.
    """
    rows = pq.read_table(pa.BufferReader(body)).cast(SCHEMA)
    # A cast looks neither for nulls nor for bytes that are no UTF-8.
    rows.validate(full=True)
    if lacking := [field.name for field in DOCUMENTS.fields if not field.nullable and rows[field.name].null_count]:
        raise ValueError(f"expected no nulls in {', '.join(lacking)}")
    good = [
        digest(text.as_buffer()) == expected.as_py()
        for text, expected in zip(rows["body"], rows["sha256"], strict=True)
    ]
    return rows if all(good) else rows.filter(pa.array(good, pa.bool_()))
