package dev.panagrad.arrow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.DataException;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Structs built by hand: what is read, what is refused, and that each is released once. */
@Tag("first")
class ArrowCDataTest {
  private final Producer producer = new Producer();

  @AfterEach
  void close() {
    producer.close();
  }

  private void assertReleased(int schemas, int arrays) {
    assertEquals(schemas, producer.releasedSchemas, "schemas");
    assertEquals(arrays, producer.releasedArrays, "arrays");
  }

  private DataException refused(MemorySegment schema, MemorySegment array) {
    DataException e =
        assertThrows(DataException.class, () -> ArrowCData.importColumns(schema, array));
    assertReleased(1, 1);
    assertEquals(0, schema.get(ValueLayout.JAVA_LONG, 56), "the caller's schema is marked");
    assertEquals(0, array.get(ValueLayout.JAVA_LONG, 64), "the caller's array is marked");
    return e;
  }

  @Test
  void columnIsView() {
    MemorySegment values = producer.doubles(9, 1, 2, 3, 9);
    MemorySegment array = producer.array(3, 0, 1, Producer.values(values));
    ImportedColumns imported = ArrowCData.importColumns(producer.schema("g", "x"), array);
    Tensor x = imported.column();
    assertReleased(1, 0);
    assertEquals("x", x.name());
    assertEquals(DType.F64, x.dtype());
    assertEquals(Shape.of(3), x.shape());
    assertEquals(values.address() + 8, x.segment().address() + x.byteOffset());
    assertArrayEquals(new double[] {1, 2, 3}, x.toArray());
    values.setAtIndex(ValueLayout.JAVA_DOUBLE, 2, 7);
    assertEquals(7, x.get(1));
    assertTrue(x.isReadOnly());
    // The struct was moved: its memory is the caller's again.
    array.fill((byte) -1);
    imported.close();
    assertReleased(1, 1);
    imported.close();
    assertReleased(1, 1);
    assertThrows(IllegalStateException.class, () -> x.get(0));
  }

  @Test
  void structsOfNoSize() {
    MemorySegment schema = MemorySegment.ofAddress(producer.schema("f", null).address());
    MemorySegment array =
        MemorySegment.ofAddress(
            producer.array(2, -1, 0, Producer.values(producer.floats(1, 2))).address());
    try (ImportedColumns imported = ArrowCData.importColumns(schema, array)) {
      assertEquals("", imported.column().name());
      assertArrayEquals(new double[] {1, 2}, imported.column().toArray());
    }
    assertReleased(1, 1);
  }

  /** Offsets of list and elements add up. */
  @Test
  void listsAreMatrix() {
    MemorySegment elements =
        producer.array(9, 0, 1, Producer.values(producer.floats(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8)));
    MemorySegment lists = producer.array(2, 0, 1, List.of(MemorySegment.NULL), elements);
    MemorySegment schema = producer.schema("+w:3", "X", producer.schema("f", "item"));
    try (ImportedColumns imported = ArrowCData.importColumns(schema, lists)) {
      Tensor x = imported.column();
      assertEquals(Shape.of(2, 3), x.shape());
      assertArrayEquals(new double[] {3, 4, 5, 6, 7, 8}, x.toArray());
    }
    // A parent's callback releases what is below it.
    assertReleased(1, 1);
  }

  /** The offset of a struct counts for its columns, each of which has its own too. */
  @Test
  void structIsColumns() {
    MemorySegment a = producer.array(4, 0, 0, Producer.values(producer.doubles(0, 1, 2, 3)));
    MemorySegment b = producer.array(4, 0, 1, Producer.values(producer.floats(9, 10, 11, 12, 13)));
    MemorySegment struct = producer.array(2, 0, 2, List.of(MemorySegment.NULL), a, b);
    MemorySegment schema =
        producer.schema("+s", "", producer.schema("g", "a"), producer.schema("f", "b"));
    try (TensorArena arena = TensorArena.open("test")) {
      ImportedColumns imported = ArrowCData.importColumns(schema, struct);
      arena.attach(imported);
      assertArrayEquals(new double[] {2, 3}, imported.columns().get(0).toArray());
      assertArrayEquals(new double[] {12, 13}, imported.columns().get(1).toArray());
      assertThrows(DataException.class, imported::column);
      assertReleased(1, 0);
    }
    assertReleased(1, 1);
  }

  /** A choice of columns beside a text, integers and bits as doubles, and all as a matrix. */
  @Test
  void chosenAndWidened() {
    MemorySegment x = producer.array(2, 0, 1, Producer.values(producer.doubles(0, 1.5, 2.5)));
    MemorySegment n = producer.array(2, 0, 0, Producer.values(producer.longs(0, -7, 8)));
    MemorySegment flag = producer.array(2, 0, 0, Producer.values(producer.longs(0b010)));
    MemorySegment text = producer.array(2, 0, 0, List.of(MemorySegment.NULL));
    MemorySegment struct = producer.array(1, 0, 1, List.of(MemorySegment.NULL), text, flag, n, x);
    MemorySegment schema =
        producer.schema(
            "+s",
            "",
            producer.schema("u", "text"),
            producer.schema("b", "flag"),
            producer.schema("l", "n"),
            producer.schema("g", "x"));
    try (TensorArena arena = TensorArena.open("test");
        ImportedColumns imported =
            ArrowCData.importColumns(schema, struct, List.of("x", "n", "flag"))) {
      assertArrayEquals(new double[] {2.5}, imported.columns().get(0).toArray());
      assertArrayEquals(new double[] {-7}, imported.columns().get(1).toArray());
      assertArrayEquals(new double[] {1}, imported.columns().get(2).toArray());
      Tensor matrix = imported.matrix(arena, DType.F32);
      assertEquals(Shape.of(1, 3), matrix.shape());
      assertArrayEquals(new double[] {2.5, -7, 1}, matrix.toArray());
    }
    assertReleased(1, 1);
  }

  @Test
  void chosenAndNotThere() {
    MemorySegment x = producer.array(1, 0, 0, Producer.values(producer.doubles(1e300)));
    try (TensorArena arena = TensorArena.open("test");
        ImportedColumns imported = ArrowCData.importColumns(producer.schema("g", "x"), x)) {
      DataException e = assertThrows(DataException.class, () -> imported.matrix(arena, DType.F32));
      assertTrue(e.getMessage().startsWith("row 1: 1.0E300 in column 'x'"), e.getMessage());
    }
    MemorySegment y = producer.array(1, 0, 0, Producer.values(producer.doubles(1)));
    MemorySegment schema = producer.schema("g", "y");
    DataException e =
        assertThrows(DataException.class, () -> ArrowCData.importColumns(schema, y, List.of("x")));
    assertEquals("there is no column 'x'; there are [y]", e.getMessage());
    assertReleased(2, 2);
  }

  @Test
  void columnOfTwo() {
    MemorySegment a = producer.array(1, 0, 0, Producer.values(producer.doubles(0)));
    MemorySegment b = producer.array(1, 0, 0, Producer.values(producer.doubles(0)));
    MemorySegment struct = producer.array(1, 0, 0, List.of(MemorySegment.NULL), a, b);
    MemorySegment schema =
        producer.schema("+s", "", producer.schema("g", "a"), producer.schema("g", "b"));
    try (ImportedColumns imported = ArrowCData.importColumns(schema, struct)) {
      assertThrows(DataException.class, imported::column);
    }
    assertReleased(1, 1);
  }

  @Test
  void empty() {
    List<MemorySegment> none = List.of(MemorySegment.NULL, MemorySegment.NULL);
    try (ImportedColumns imported =
        ArrowCData.importColumns(producer.schema("g", "x"), producer.array(0, 0, 0, none))) {
      assertEquals(Shape.of(0), imported.column().shape());
    }
  }

  /** Missing values count where they are in the rows: row 2 of those from the third. */
  @ParameterizedTest
  @CsvSource({"1", "-1"})
  void missing(long nulls) {
    List<MemorySegment> buffers =
        List.of(producer.bitmap(0b110111), producer.doubles(0, 1, 2, 3, 4, 5));
    DataException e = refused(producer.schema("g", "x"), producer.array(3, nulls, 2, buffers));
    assertTrue(e.getMessage().startsWith("row 2: column 'x' has no value"), e.getMessage());
  }

  /** A bitmap without zeros in the rows is none, whatever is before and behind. */
  @Test
  void missingElsewhere() {
    List<MemorySegment> buffers =
        List.of(producer.bitmap(0b011110), producer.doubles(0, 1, 2, 3, 4, 5));
    try (ImportedColumns imported =
        ArrowCData.importColumns(producer.schema("g", "x"), producer.array(4, -1, 1, buffers))) {
      assertArrayEquals(new double[] {1, 2, 3, 4}, imported.column().toArray());
    }
  }

  @Test
  void missingInList() {
    MemorySegment elements =
        producer.array(4, 1, 0, List.of(producer.bitmap(0b0111), producer.floats(0, 1, 2, 3)));
    MemorySegment lists = producer.array(2, 0, 0, List.of(MemorySegment.NULL), elements);
    MemorySegment schema = producer.schema("+w:2", "X", producer.schema("f", "item"));
    DataException e = refused(schema, lists);
    assertTrue(e.getMessage().contains("element 4"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"u", "tdD", "+w:2", "+w:x", "+l", "tsu:UTC"})
  void otherFormat(String format) {
    DataException e =
        refused(
            producer.schema(format, "x"),
            producer.array(1, 0, 0, Producer.values(producer.doubles(1))));
    assertTrue(e.getMessage().contains("column 'x' has the format '" + format), e.getMessage());
  }

  @Test
  void dictionary() {
    MemorySegment schema = producer.schema("f", "x");
    schema.set(ValueLayout.ADDRESS, 48, producer.schema("f", "values"));
    DataException e = refused(schema, producer.array(1, 0, 0, Producer.values(producer.floats(1))));
    assertTrue(e.getMessage().contains("dictionary"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"-1, 0", "1, -1", "9223372036854775807, 1", "9223372036854775807, 0"})
  void wrongCounts(long length, long offset) {
    DataException e =
        refused(
            producer.schema("g", "x"),
            producer.array(length, 0, offset, Producer.values(producer.doubles(1))));
    assertTrue(e.getMessage().contains("column 'x'"), e.getMessage());
  }

  @Test
  void wrongBuffers() {
    DataException e =
        refused(producer.schema("g", "x"), producer.array(1, 0, 0, List.of(MemorySegment.NULL)));
    assertTrue(e.getMessage().contains("1 buffers"), e.getMessage());
  }

  @Test
  void nullValues() {
    List<MemorySegment> buffers = List.of(MemorySegment.NULL, MemorySegment.NULL);
    DataException e = refused(producer.schema("g", "x"), producer.array(1, 0, 0, buffers));
    assertTrue(e.getMessage().contains("its values are null"), e.getMessage());
  }

  @Test
  void misaligned() {
    MemorySegment values = producer.arena.allocate(24, 8).asSlice(4);
    DataException e =
        refused(producer.schema("g", "x"), producer.array(2, 0, 0, Producer.values(values)));
    assertTrue(e.getMessage().contains("not a multiple of 8"), e.getMessage());
  }

  @Test
  void shortColumnOfStruct() {
    MemorySegment a = producer.array(2, 0, 0, Producer.values(producer.doubles(0, 1)));
    MemorySegment struct = producer.array(2, 0, 1, List.of(MemorySegment.NULL), a);
    DataException e = refused(producer.schema("+s", "", producer.schema("g", "a")), struct);
    assertTrue(
        e.getMessage().contains("2 rows, and what it is in takes 2 from row 1"), e.getMessage());
  }

  @Test
  void releasedBefore() {
    MemorySegment schema = producer.schema("g", "x");
    MemorySegment array = producer.array(1, 0, 0, Producer.values(producer.doubles(1)));
    ArrowCData.importColumns(schema, array).close();
    assertReleased(1, 1);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> ArrowCData.importColumns(schema, array));
    assertTrue(e.getMessage().contains("ArrowArray was released or moved"), e.getMessage());
    MemorySegment other = producer.schema("g", "y");
    assertThrows(IllegalArgumentException.class, () -> ArrowCData.importColumns(other, array));
    assertFalse(other.get(ValueLayout.JAVA_LONG, 56) == 0, "nothing was taken over");
    assertReleased(1, 1);
  }

  @Test
  void wrongMemory() {
    MemorySegment array = producer.array(1, 0, 0, Producer.values(producer.doubles(1)));
    for (MemorySegment wrong :
        List.of(
            MemorySegment.NULL, MemorySegment.ofArray(new long[9]), producer.arena.allocate(8))) {
      assertThrows(IllegalArgumentException.class, () -> ArrowCData.importColumns(wrong, array));
    }
    assertReleased(0, 0);
  }

  @Test
  void callbackThatMarksNothing() {
    try (Producer wrong = new Producer(false)) {
      MemorySegment schema = wrong.schema("g", "x");
      MemorySegment array = wrong.array(1, 0, 0, Producer.values(wrong.doubles(1)));
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> ArrowCData.importColumns(schema, array));
      assertTrue(e.getMessage().contains("left it unreleased"), e.getMessage());
    }
  }
}
