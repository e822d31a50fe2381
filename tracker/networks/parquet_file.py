"""Parquet: one table of texts, Zstandard, a row group for each batch. Bytes come out while rows go in."""

from __future__ import annotations

from collections.abc import Sequence
from io import RawIOBase

from tracker.networks.network import Network, Row
from tracker.networks.plain import BATCH, COLUMNS, build


class ParquetRows:
    """Writes rows to `out`; what was written is a Parquet file after `close()`."""

    def __init__(self, out: RawIOBase) -> None:
        import pyarrow as pa  # noqa: PLC0415 - a large library that only this form needs
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._pa = pa
        self._schema = pa.schema([(column.header, pa.string()) for column in COLUMNS])
        self._writer = pq.ParquetWriter(out, self._schema, compression="zstd")

    def write(self, rows: Sequence[Row]) -> None:
        """One row group."""
        arrays = [self._pa.array(values, self._pa.string()) for values in zip(*rows, strict=True)]
        if arrays:
            self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


NETWORK = Network(
    name="parquet",
    title="Parquet",
    file=COLUMNS,
    build=build,
    batch=BATCH,
    extension="parquet",
    header=False,
    note="all columns are texts",
)
