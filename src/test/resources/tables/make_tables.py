"""Writes the files beside it, and what is in them as expected.json.

NumPy 2.4, scikit-learn 1.9, safetensors 0.8; run in this folder.
"""

import json
import zipfile

import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import dump_svmlight_file

expected = {}


def expect(name, columns, rows):
    # Integers beyond 2^53 as the nearest double.
    expected[name] = {"columns": columns, "rows": [[float(v) for v in row] for row in rows]}


def numbers(count):
    return [str(i + 1) for i in range(count)]


def npy(name, array, version=None):
    with open(name, "wb") as f:
        np.lib.format.write_array(f, array, version=version, allow_pickle=False)
    if array.dtype.names:
        expect(name, list(array.dtype.names), array.tolist())
    else:
        table = array.reshape(len(array), -1)
        expect(name, numbers(table.shape[1]), table.tolist())


def integers(dtype):
    info = np.iinfo(dtype)
    return np.array([[info.min, info.max, 1], [2, 3, info.max - 1]], dtype)


for kind in "iu":
    for size in (1, 2, 4, 8):
        npy(f"{kind}{size}.npy", integers(f"<{kind}{size}"))
        if size > 1:
            npy(f"{kind}{size}_big_endian.npy", integers(f">{kind}{size}"))
for size in (2, 4, 8):
    info = np.finfo(f"f{size}")
    floats = [[0.1, -2.5, info.max], [info.tiny, -0.0, info.smallest_subnormal], [1 / 3, 4, -5]]
    for order, label in (("<", ""), (">", "_big_endian")):
        npy(f"f{size}{label}.npy", np.array(floats, f"{order}f{size}"))
npy("bool.npy", np.array([[True, False], [False, True]]))
small = np.arange(12.0).reshape(4, 3) / 8 - 0.5
npy("fortran.npy", np.asfortranarray(small))
npy("fortran_i2_big_endian.npy", np.asfortranarray(np.arange(10).reshape(5, 2).astype(">i2")))
npy("vector.npy", small.ravel())
npy("column.npy", small[:, :1].copy())
npy("row.npy", small[:1].copy())
npy("version2.npy", small, (2, 0))
records = np.zeros(3, np.dtype([("age", "u1"), ("bmi", "<f8"), ("s5", ">f4"), ("it's", "?")], align=True))
records["age"], records["bmi"], records["s5"], records["it's"] = [1, 2, 250], [0.1, 0.2, 0.3], [4, 5, 6.5], [1, 0, 1]
npy("records.npy", records)
unicode = np.zeros(2, [("\u03b2", "<f4"), ("\U0001d6fd", "<i8")])
unicode["\u03b2"] = [1.5, -1.5]
npy("version3.npy", unicode, (3, 0))

x = np.arange(15, dtype="<f4").reshape(5, 3) / 4
y = np.arange(5.0) ** 2
named = (["x1", "x2", "x3", "y", "w"], np.column_stack([x, y, -y]).tolist())
np.savez("arrays.npz", x=x, y=y, w=-y[:, None])
expect("arrays.npz", *named)
np.savez_compressed("compressed.npz", x=np.asfortranarray(x), y=y.astype(">i2"), w=-y[:, None])
expect("compressed.npz", *named)
np.savez("one.npz", x)
expect("one.npz", numbers(3), x.tolist())
# Written as a stream, sizes follow the data.
with open("stream.npz", "wb") as f:
    class Unseekable:
        def write(self, data):
            return f.write(data)

        def flush(self):
            f.flush()

    with zipfile.ZipFile(Unseekable(), "w", zipfile.ZIP_DEFLATED) as z:
        for key, array in (("a", x), ("b", y)):
            with z.open(key + ".npy", "w") as entry:
                np.lib.format.write_array(entry, array)
expect("stream.npz", ["a1", "a2", "a3", "b"], np.column_stack([x, y]).tolist())

save_file({"x": x, "y": y, "n": np.array([0, 1, -(2**62), 2**53, 5])}, "tensors.safetensors")
expect(
    "tensors.safetensors",
    # In the order of the header, which safetensors sorts by alignment and name.
    ["n", "y", "x1", "x2", "x3"],
    np.column_stack([[0, 1, -(2**62), 2**53, 5], y, x]).tolist(),
)

sparse = np.array([[0, 1.5, 0, 0], [0, 0, 0, 0], [-1, 0, 0, 2e-3], [7, 8, 9, 0.1]])
labels = np.array([1, -1, 0.25, 3])
table = (["y"] + numbers(4), np.column_stack([labels, sparse]).tolist())
dump_svmlight_file(sparse, labels, "sparse.svm", zero_based=False)
expect("sparse.svm", *table)
dump_svmlight_file(
    sparse, labels, "queries.libsvm", zero_based=False, comment="with\nqueries", query_id=[1, 1, 2, 2]
)
expect("queries.libsvm", *table)
# Refused: not in expected.json.
dump_svmlight_file(sparse, labels, "from_zero.svmlight", zero_based=True)

with open("expected.json", "w") as f:
    json.dump(expected, f, indent=1)
    f.write("\n")
