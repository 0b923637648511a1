package dev.panagrad.data.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.Table;
import dev.panagrad.data.TableCells;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tensors side by side as a table. */
class SafetensorsTableTest {
  private final TensorArena arena = TensorArena.open("safetensors");

  @TempDir private Path folder;

  @AfterEach
  void close() {
    arena.close();
  }

  private Tensor tensor(String name, DType dtype, long... extents) {
    Tensor tensor = arena.allocate(name, dtype, extents);
    for (long i = 0; i < tensor.count(); i++) {
      tensor.set(i, i + 1.0);
    }
    return tensor;
  }

  private Path file(Tensor... tensors) {
    Path file = folder.resolve("a.safetensors");
    try {
      SafetensorsWriter.write(file, Map.of(), List.of(tensors));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return file;
  }

  private static void refusal(Path file, String part) {
    String message = TableCells.refusal(file);
    assertTrue(message.contains(part), () -> "no '" + part + "' in: " + message);
  }

  @Test
  void tensorsSideBySide() {
    Path file =
        file(tensor("x", DType.F32, 2, 2), tensor("y", DType.F64, 2), tensor("n", DType.I64, 2, 1));
    try (Table table = TableFile.open(file)) {
      assertTrue(table.hasNames());
      // In the order that the writer gave them: elements of 8 bytes first.
      assertEquals(List.of("y", "n", "x1", "x2"), table.columns());
      assertArrayEquals(new double[][] {{1, 1, 1, 2}, {2, 2, 3, 4}}, TableCells.of(table));
    }
  }

  @Test
  void tensorThatIsAlone() {
    try (Table table = TableFile.open(file(tensor("x", DType.F32, 2, 2)))) {
      assertEquals(List.of("1", "2"), table.columns());
      assertFalse(table.hasNames());
    }
  }

  @Test
  void noTable() {
    refusal(file(), "has no arrays");
    refusal(file(tensor("x", DType.F32, 2, 2, 2)), "tensor 'x' of shape [2, 2, 2] is no table");
    refusal(file(tensor("x", DType.F32, 0, 2)), "tensor 'x' of shape [0, 2] has no rows");
    refusal(file(tensor("x", DType.F32, 2, 0)), "tensor 'x' of shape [2, 0] has no columns");
    refusal(
        file(tensor("x", DType.F32, 2), tensor("y", DType.F32, 3)),
        "has 2 rows, and array 'y' has 3");
    refusal(
        file(tensor("x", DType.F32, 1, NumberedColumns.MAX_COLUMNS + 1)),
        "has 1,048,577 columns; at most 1,048,576 are read");
    refusal(folder.resolve("none.safetensors"), "there is no file");
  }

  @Test
  void elementsOfAnotherType() {
    byte[] header =
        "{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}"
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(Long.BYTES + header.length + 2);
    all.order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).put(header);
    refusal(TableCells.write(folder.resolve("b.safetensors"), all.array()), "F8_E4M3");
  }

  @Test
  void notFinite() {
    Tensor x = tensor("x", DType.F64, 3, 2);
    x.set(2, 1, Double.NaN);
    Path file = file(x);
    assertEquals(
        file + ": row 3 of 3, column '2': NaN is not finite; remove the row or impute it",
        TableCells.refusal(file));
  }
}
