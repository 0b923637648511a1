"""Writes the Parquet and Arrow files of this folder: python make_arrow_tables.py (pyarrow 25.0.1).

Columns of numbers.*: row i of 1,000 has i32 = 3 i - 500, i64 = i^3, f32 = i / 8, f64 = i / 7, flag = i odd,
group = i mod 5 (repeats, so that a dictionary is written), text = a word.
"""
import datetime
import decimal
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq

ROWS = 1000
i = np.arange(ROWS)
numbers = pa.table({
    "i32": pa.array(3 * i - 500, pa.int32()),
    "i64": pa.array(i ** 3, pa.int64()),
    "f32": pa.array(i / 8, pa.float32()),
    "f64": pa.array(i / 7, pa.float64()),
    "flag": pa.array(i % 2 == 1, pa.bool_()),
    "group": pa.array((i % 5).astype(np.float64), pa.float64()),
    "text": pa.array([f"word {k % 9}" for k in i], pa.string()),
})
out = sys.argv[1] + "/" if len(sys.argv) > 1 else ""


def parquet(name, table=numbers, **options):
    pq.write_table(table, out + name + ".parquet", **{"row_group_size": 400, "data_page_size": 1024, "write_batch_size": 64, **options})


for codec in ["none", "snappy", "gzip", "zstd", "lz4"]:
    parquet("numbers-" + codec, compression=codec)
parquet("numbers-v2", data_page_version="2.0", compression="snappy")
parquet("numbers-v2-none", data_page_version="2.0", compression="none", use_dictionary=False)
parquet("numbers-crc", compression="none", write_page_checksum=True, write_page_index=True)
parquet("numbers-split", compression="zstd", use_dictionary=False,
        column_encoding={"f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT", "group": "BYTE_STREAM_SPLIT",
                         "i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "flag": "RLE", "text": "DELTA_BYTE_ARRAY"})
parquet("numbers-brotli", numbers.select(["i32"]), compression="brotli")

two = [1.5, -2.25]
kinds = pa.table({
    "i8": pa.array([-128, 127], pa.int8()),
    "i16": pa.array([-32768, 32767], pa.int16()),
    "u8": pa.array([0, 255], pa.uint8()),
    "u16": pa.array([0, 65535], pa.uint16()),
    "u32": pa.array([0, 2 ** 32 - 1], pa.uint32()),
    "u64": pa.array([0, 2 ** 64 - 1], pa.uint64()),
    "f16": pa.array(np.array(two, np.float16), pa.float16()),
    "date": pa.array([datetime.date(1970, 1, 2), datetime.date(2000, 1, 1)]),
    "decimal": pa.array([decimal.Decimal("12.34"), decimal.Decimal("-0.05")], pa.decimal128(9, 2)),
    "wide": pa.array([decimal.Decimal("12345678901234567890.5"), decimal.Decimal("-1")], pa.decimal128(30, 1)),
    "missing": pa.array([1.0, None], pa.float64()),
    "infinite": pa.array([1.0, float("inf")], pa.float64()),
    "large": pa.array([1e300, 0], pa.float64()),
    "time": pa.array([0, 1], pa.timestamp("us")),
    "text": pa.array(["a", "b"]),
    "list": pa.array([[1.0], [2.0, 3.0]], pa.list_(pa.float64())),
    "struct": pa.array([{"a": 1.0}, {"a": 2.0}]),
    "a.b": pa.array(two, pa.float64()),
    "last": pa.array(two, pa.float64()),
})
parquet("kinds", kinds, compression="none")
parquet("decimals-as-integers", kinds.select(["decimal"]), compression="none", store_decimal_as_integer=True)
parquet("twice", pa.Table.from_arrays([pa.array(two), pa.array(two)], names=["x", "x"]), compression="none")
parquet("empty", kinds.select(["last"]).slice(0, 0), compression="none")
pq.write_table(pa.table({"x": pa.array(np.arange(12) / 4), "y": pa.array(np.arange(12), pa.int32())}),
               out + "tiny.parquet", compression="snappy", store_schema=False)
pq.write_table(pa.table({"x": pa.array([1.0, 2.0, 2.0, 1.0], pa.float32()), "y": pa.array([3, 1, 2, 4], pa.int64())}),
               out + "tiny-v2.parquet", compression="gzip", data_page_version="2.0", store_schema=False)


def arrow(name, table, new=pa.ipc.new_file, rows=400, **options):
    with new(out + name, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in table.to_batches(max_chunksize=rows):
            writer.write_batch(batch)


arrow("numbers.arrow", numbers)
arrow("numbers.arrows", numbers, pa.ipc.new_stream)
arrow("numbers-lz4.arrow", numbers, compression="lz4")
arrow("numbers-zstd.arrows", numbers, pa.ipc.new_stream, compression="zstd")
pa.feather.write_feather(numbers, out + "numbers.feather")
more = kinds.append_column("dictionary", pa.array(["a", "b"]).dictionary_encode()) \
    .append_column("view", pa.array(["a", "b"], pa.string_view()))
arrow("kinds.arrow", more)
arrow("kinds.ipc", more, pa.ipc.new_stream)
arrow("twice.arrow", pa.Table.from_arrays([pa.array(two), pa.array(two)], names=["x", "x"]))
arrow("empty.arrow", kinds.select(["last"]).slice(0, 0))
tiny = pa.table({"x": pa.array(np.arange(12) / 4), "y": pa.array(np.arange(12), pa.int32())})
arrow("tiny.arrow", tiny, rows=5)
arrow("tiny.arrows", tiny, pa.ipc.new_stream, rows=5)
arrow("tiny-lz4.arrow", tiny, compression="lz4")
arrow("floats.arrows", pa.table({"x": pa.array(np.arange(12) / 4), "y": pa.array(np.arange(12), pa.float32())}), pa.ipc.new_stream, rows=5)
# Eight million equal values in one page of a few bytes.
parquet("large-page", pa.table({"x": pa.array(np.zeros(8_000_000))}), compression="none",
        row_group_size=8_000_000, write_batch_size=8_000_000, max_rows_per_page=10_000_000)
# A field inside of a struct, and after it a column of that name.
parquet("nested-name", pa.table({"s": pa.array([{"b": 100.0 + k * k} for k in range(4)]), "b": [1.0, 2.0, 3.0, 5.0],
                                 "y": [2.0, 4.0, 6.0, 10.0]}))
