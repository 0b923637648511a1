package dev.panagrad.arrow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.DataException;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowArrayStream;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.Test;

/** Memory of Arrow's own Java library, which complains if any of it is not released. */
class ArrowLibraryTest {
  private static final Path TABLES = Path.of("src/test/resources/tables");

  private static MemorySegment at(long address) {
    return MemorySegment.ofAddress(address);
  }

  @Test
  void vector() {
    try (RootAllocator allocator = new RootAllocator()) {
      ImportedColumns imported;
      long address;
      try (Float8Vector x = new Float8Vector("x", allocator);
          ArrowSchema schema = ArrowSchema.allocateNew(allocator);
          ArrowArray array = ArrowArray.allocateNew(allocator)) {
        x.allocateNew(3);
        for (int i = 0; i < 3; i++) {
          x.set(i, i + 0.5);
        }
        x.setValueCount(3);
        address = x.getDataBufferAddress();
        Data.exportVector(allocator, x, null, array, schema);
        imported = ArrowCData.importColumns(at(schema.memoryAddress()), at(array.memoryAddress()));
      }
      // The vector is closed; its memory lives on until nobody uses it.
      Tensor x = imported.column();
      assertEquals(address, x.segment().address());
      assertEquals("x", x.name());
      assertArrayEquals(new double[] {0.5, 1.5, 2.5}, x.toArray());
      assertTrue(allocator.getAllocatedMemory() > 0);
      imported.close();
      assertEquals(0, allocator.getAllocatedMemory());
    }
  }

  @Test
  void missing() {
    try (RootAllocator allocator = new RootAllocator();
        Float4Vector x = new Float4Vector("x", allocator);
        ArrowSchema schema = ArrowSchema.allocateNew(allocator);
        ArrowArray array = ArrowArray.allocateNew(allocator)) {
      x.allocateNew(2);
      x.set(0, 1);
      x.setNull(1);
      x.setValueCount(2);
      Data.exportVector(allocator, x, null, array, schema);
      DataException e =
          assertThrows(
              DataException.class,
              () ->
                  ArrowCData.importColumns(at(schema.memoryAddress()), at(array.memoryAddress())));
      assertTrue(e.getMessage().startsWith("row 2: column 'x'"), e.getMessage());
    }
  }

  @Test
  void matrix() {
    try (RootAllocator allocator = new RootAllocator();
        FixedSizeListVector lists = FixedSizeListVector.empty("X", 2, allocator);
        ArrowSchema schema = ArrowSchema.allocateNew(allocator);
        ArrowArray array = ArrowArray.allocateNew(allocator)) {
      Float4Vector elements =
          (Float4Vector)
              lists
                  .addOrGetVector(
                      FieldType.notNullable(
                          new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE)))
                  .getVector();
      lists.allocateNew();
      for (int i = 0; i < 3; i++) {
        lists.setNotNull(i);
        elements.set(2 * i, i);
        elements.set(2 * i + 1, -i);
      }
      lists.setValueCount(3);
      elements.setValueCount(6);
      Data.exportVector(allocator, lists, null, array, schema);
      try (ImportedColumns imported =
          ArrowCData.importColumns(at(schema.memoryAddress()), at(array.memoryAddress()))) {
        assertEquals(Shape.of(3, 2), imported.column().shape());
        assertArrayEquals(new double[] {0, 0, 1, -1, 2, -2}, imported.column().toArray());
      }
    }
  }

  @Test
  void recordBatch() {
    try (RootAllocator allocator = new RootAllocator();
        ArrowSchema schema = ArrowSchema.allocateNew(allocator);
        ArrowArray array = ArrowArray.allocateNew(allocator)) {
      Float8Vector a = new Float8Vector("a", allocator);
      Float4Vector b = new Float4Vector("b", allocator);
      a.setSafe(0, 1);
      b.setSafe(0, 2);
      try (VectorSchemaRoot root = VectorSchemaRoot.of(a, b)) {
        root.setRowCount(1);
        Data.exportVectorSchemaRoot(allocator, root, null, array, schema);
      }
      try (ImportedColumns imported =
          ArrowCData.importColumns(at(schema.memoryAddress()), at(array.memoryAddress()))) {
        List<Tensor> columns = imported.columns();
        assertEquals(List.of("a", "b"), columns.stream().map(Tensor::name).toList());
        assertEquals(1, columns.get(0).get(0));
        assertEquals(2, columns.get(1).get(0));
      }
    }
  }

  /** Batches outlive the stream. */
  @Test
  void stream() throws IOException {
    try (RootAllocator allocator = new RootAllocator();
        InputStream file = Files.newInputStream(TABLES.resolve("floats.arrows"));
        ArrowArrayStream stream = ArrowArrayStream.allocateNew(allocator)) {
      Data.exportArrayStream(allocator, new ArrowStreamReader(file, allocator), stream);
      ImportedStream imported = ImportedStream.of(at(stream.memoryAddress()));
      ImportedColumns first = imported.next().orElseThrow();
      ImportedColumns second = imported.next().orElseThrow();
      ImportedColumns third = imported.next().orElseThrow();
      assertEquals(Optional.empty(), imported.next());
      imported.close();
      imported.close();
      assertThrows(IllegalStateException.class, imported::next);
      assertArrayEquals(new double[] {0, 0.25, 0.5, 0.75, 1}, first.columns().get(0).toArray());
      assertArrayEquals(new double[] {5, 6, 7, 8, 9}, second.columns().get(1).toArray());
      assertArrayEquals(new double[] {10, 11}, third.columns().get(1).toArray());
      first.close();
      second.close();
      third.close();
    }
  }

  @Test
  void streamOfTexts() throws IOException {
    try (RootAllocator allocator = new RootAllocator();
        InputStream file = Files.newInputStream(TABLES.resolve("numbers.arrows"));
        ArrowArrayStream stream = ArrowArrayStream.allocateNew(allocator)) {
      Data.exportArrayStream(allocator, new ArrowStreamReader(file, allocator), stream);
      DataException e =
          assertThrows(DataException.class, () -> ImportedStream.of(at(stream.memoryAddress())));
      assertTrue(e.getMessage().contains("column 'text' has the format 'u'"), e.getMessage());
    }
  }

  /** The second batch was cut: the producer's words are in the message. */
  @Test
  void streamThatFails() throws IOException {
    byte[] cut = Files.readAllBytes(TABLES.resolve("floats.arrows"));
    try (RootAllocator allocator = new RootAllocator();
        ArrowArrayStream stream = ArrowArrayStream.allocateNew(allocator)) {
      InputStream file = new java.io.ByteArrayInputStream(cut, 0, 640);
      Data.exportArrayStream(allocator, new ArrowStreamReader(file, allocator), stream);
      try (ImportedStream imported = ImportedStream.of(at(stream.memoryAddress()))) {
        imported.next().orElseThrow().close();
        DataException e = assertThrows(DataException.class, imported::next);
        assertTrue(e.getMessage().contains("Unexpected end of input"), e.getMessage());
      }
    }
  }
}
