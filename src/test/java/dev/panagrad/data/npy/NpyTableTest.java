package dev.panagrad.data.npy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Datasets;
import dev.panagrad.data.TableCells;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arrays as numpy.lib.format describes them, and the message for each that is no table. */
class NpyTableTest {
  @TempDir private Path folder;

  private Path file(byte[] content) {
    return TableCells.write(folder.resolve("a.npy"), content);
  }

  private static void assertContains(String text, String part) {
    assertTrue(text.contains(part), () -> "no '" + part + "' in: " + text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2)}",
        "{\"shape\":(2L,2L),\"fortran_order\":False,\"descr\":\"<u1\"}",
        "{ 'fortran_order' : False , 'descr' : '|\\x75\\u0031' , 'shape' : ( 2 , 2 , ) , }",
      })
  void waysToWriteTheDictionary(String dictionary) {
    try (NpyTable table =
        NpyTable.open(file(NpyFile.of(dictionary, (byte) 1, (byte) 2, (byte) 3, (byte) 4)))) {
      assertArrayEquals(new double[][] {{1, 2}, {3, 4}}, TableCells.of(table));
    }
  }

  /** One row is in both orders, and may be longer than what is read at once. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aLongRow(boolean isFortran) {
    int columns = ForwardWindow.WINDOW_BYTES + 3;
    byte[] data = new byte[columns];
    for (int c = 0; c < columns; c++) {
      data[c] = (byte) (c % 101);
    }
    String dictionary = NpyFile.dictionary("'|u1'", isFortran, "(1, " + columns + ")");
    try (NpyTable table = NpyTable.open(file(NpyFile.of(dictionary, data)))) {
      double[] row = TableCells.of(table)[0];
      for (int c = 0; c < columns; c++) {
        assertEquals(c % 101, row[c], "column " + c);
      }
    }
  }

  /** Each with the byte where the problem shows, or -1; the text begins at byte 10. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '~',
      value = {
        "; 10; '{' expected, the end found",
        "[]; 10; '{' expected, '[' found",
        "{}; 10; needs the keys",
        "{'descr': '|u1'}; 10; needs the keys",
        "{'descr': '|u1', 'descr': '|u1'}; 27; the key 'descr' twice",
        "{'shape': (1,), 'shape': (1,)}; 26; the key 'shape' twice",
        "{'fortran_order': True, 'fortran_order': True}; 34; 'fortran_order' twice",
        "{'fortran_order': 1}; 28; True or False expected, '1' found",
        "{'x': 1}; 11; the key 'x', which the format does not have",
        "{'descr' '|u1'}; 19; ':' expected",
        "{'descr': '|u1' 'shape': (1,)}; 26; '}' expected",
        "{'descr': '|u1; 20; a string has no end",
        "{'descr': '\\q'}; 21; escape that is not known",
        "{'descr': '\\ud800'}; 21; escape that is no character",
        "{'descr': '\\U00110000'}; 21; escape that is no character",
        "{'descr': [('a\\n', '|u1')]}; 24; a string has a control character",
        "{'descr': '\\x7f'}; 20; a string has a control character",
        "{'descr': '\u0085'}; 20; a string has a control character",
        "{'descr': '\\x7'}; 21; escape that is not known",
        "{'descr': __import__('os').system('id')}; 20; a string expected, '_' found",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}x; 65; the end expected, 'x' found",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1)}; 60; the shape is no tuple",
        "{'descr': '|u1', 'fortran_order': False, 'shape': [1]}; 60; '(' expected",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}; 61; negative extent",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1.0,)}; 62; ')' expected, '.' found",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (,)}; 61; an integer expected",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999999999999,)}; 61; an extent of 19 digits",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ((1,),)}; 61; an integer expected",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999999999, 9)}; 84; takes more than 2^63 - 1 bytes",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (536870912, 536870912)}; -1; has 536,870,912 columns",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)}; 67; shape (1, 2) of '|u1' takes 2 bytes, and 1 follow",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ()}; -1; an array of shape () is no table; save array.reshape(1)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1)}; -1; save array.reshape(len(array), -1)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (0,)}; -1; has no rows: its shape is (0,)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 0)}; -1; has no columns",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}; 20; pickles can run code and are not read",
        "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}; 27; field 'a' has Python objects",
        "{'descr': '<U0'}; 20; the array has the type '<U0'; bool, integers",
        "{'descr': '<U70000'}; 20; the array has the type '<U70000'; bool, integers",
        "{'descr': '<c8'}; 20; save",
        "{'descr': '<M8[ns]'}; 20; the type '<M8[ns]'",
        "{'descr': '<f16'}; 20; the type '<f16'",
        "{'descr': '=f8'}; 20; the type '=f8'",
        "{'descr': '|f8'}; 20; the type '|f8'",
        "{'descr': ''}; 20; the type ''",
        "{'descr': '|V1'}; 20; the type '|V1'",
        "{'descr': []}; 22; the records have no fields",
        "{'descr': [('', '|V4')]}; 33; the records have no fields",
        "{'descr': [('', '|V99999999')]}; 26; padding, such as '|V4', found '|V99999999'",
        "{'descr': [('', '<f8')]}; 26; padding",
        "{'descr': [('', '\\U0001F600V12')]}; 26; padding",
        "{'descr': [('a', '|u1'), ('a', '|u1')]}; 36; field 'a' appears twice",
        "{'descr': [('a', [('b', '|u1')])]}; 27; field 'a' has fields of its own",
        "{'descr': [('a', '|u1', (3,))]}; 34; field 'a' is an array in each record",
        "{'descr': [(('title', 'a'), '|u1')]}; 22; a string expected",
        "{'descr': [[[[[[[[[[; 21; '(' expected, '[' found",
        "{'descr': ((((((((((; 20; a string expected, '(' found",
        "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1, 1)}; -1; of records is no table",
      })
  void dictionaryThatIsRefused(String dictionary, int at, String reason) {
    String message =
        TableCells.refusal(file(NpyFile.of(dictionary == null ? "" : dictionary, (byte) 1)));
    assertContains(message.toLowerCase(Locale.ROOT), reason.toLowerCase(Locale.ROOT));
    assertEquals(at >= 0, message.contains(", byte "), message);
    if (at >= 0) {
      assertContains(message, ", byte " + at + ":");
    }
  }

  @Test
  void depthTakesNoStack() {
    String deep = "{'descr': [('a', " + "[".repeat(60_000);
    assertContains(TableCells.refusal(file(NpyFile.of(deep))), "has fields of its own");
    String wide = "{'shape': (" + "1,".repeat(30_000);
    assertContains(TableCells.refusal(file(NpyFile.of(wide))), "a shape has at most 64 extents");
  }

  @Test
  void lengthOfTheHeader() {
    for (int length :
        new int[] {1 << 30, Integer.MAX_VALUE, -1, Integer.MIN_VALUE, 64 * 1024 + 1, 4}) {
      for (int major = 2; major <= 3; major++) {
        String message = TableCells.refusal(file(NpyFile.ofLength(major, 0, length, (byte) '{')));
        assertContains(
            message,
            "byte 8: the header is said to have %,d bytes, and 1 are left; at most 65,536 are read"
                .formatted(Integer.toUnsignedLong(length)));
      }
    }
    // The limit is one for files that are long enough, too.
    byte[] long1 = new byte[70_000];
    assertContains(
        TableCells.refusal(file(NpyFile.ofLength(2, 0, 65_537, long1))), "at most 65,536");
    assertContains(
        TableCells.refusal(file(NpyFile.ofLength(2, 0, 65_536, long1))), "'{' expected, \\x00");
  }

  @Test
  void otherFormats() {
    assertContains(TableCells.refusal(file(new byte[0])), "byte 0: the header ends here");
    assertContains(
        TableCells.refusal(file("a,b\n1,2\n3,4".getBytes(StandardCharsets.UTF_8))),
        "byte 0: it does not begin as an .npy file");
    for (int[] version : new int[][] {{0, 0}, {4, 0}, {1, 1}, {255, 255}}) {
      assertContains(
          TableCells.refusal(file(NpyFile.ofLength(version[0], version[1], 0))),
          "byte 6: the format has version " + version[0] + "." + version[1]);
    }
    byte[] text = NpyFile.ofLength(3, 0, 3, (byte) '{', (byte) 0xFF, (byte) '}');
    assertContains(TableCells.refusal(file(text)), "byte 12: the header is not UTF-8");
  }

  @Test
  void filesThatAreNone() {
    Path none = folder.resolve("none.npy");
    assertEquals("cannot read " + none + ": there is no such file", TableCells.refusal(none));
    Path directory = folder.resolve("d.npy");
    assertTrue(directory.toFile().mkdir());
    assertEquals(
        "'" + directory + "' is a directory; give an .npy file", TableCells.refusal(directory));
  }

  /** Opening a pipe would wait for somebody who writes into it. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void pipe() throws IOException, InterruptedException {
    Path pipe = folder.resolve("pipe.npy");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    assertContains(TableCells.refusal(pipe), "is not a regular file");
  }

  @Test
  void bytesAfterTheArray() {
    byte[] whole = NpyFile.doubles(2, 1, 2, 3, 4);
    byte[] more = Arrays.copyOf(whole, whole.length + 1);
    assertContains(TableCells.refusal(file(more)), "takes 32 bytes, and 33 follow the header");
  }

  @Test
  void notFinite() {
    for (double value :
        new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
      Path file = file(NpyFile.doubles(2, 1, 2, 3, value, 5, 6));
      assertEquals(
          file
              + ": row 2 of 3, column '2': "
              + value
              + " is not finite; remove the row or impute it",
          TableCells.refusal(file));
      try (NpyTable table = NpyTable.open(file)) {
        assertArrayEquals(new double[][] {{1}, {3}, {5}}, TableCells.of(table, 0));
      }
    }
  }

  @Test
  void beyondF32() {
    Path file = file(NpyFile.doubles(1, 1e39));
    try (NpyTable table = NpyTable.open(file)) {
      DataException e =
          assertThrows(
              DataException.class, () -> table.read(new int[1], DType.F32, (r, c, v) -> {}));
      assertEquals(
          file + ": row 1 of 1, column '1': 1.0E39 is beyond the range of f32; use f64",
          e.getMessage());
      assertArrayEquals(new double[][] {{1e39}}, TableCells.of(table));
    }
  }

  /** Records of 13 bytes lie across the ends of windows; a matrix has more bytes than one. */
  @Test
  void largerThanTheWindow() {
    int rows = 3 * ForwardWindow.WINDOW_BYTES / 13;
    ByteBuffer records = ByteBuffer.allocate(rows * 13).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer columns = ByteBuffer.allocate(rows * 16).order(ByteOrder.BIG_ENDIAN);
    for (int row = 0; row < rows; row++) {
      records.put((byte) row).putDouble(row * 0.5).putInt(-row);
      columns.putDouble(row * Double.BYTES, row * 0.5).putDouble((rows + row) * Double.BYTES, -row);
    }
    String fields = "[('a', '|i1'), ('b', '<f8'), ('c', '<i4')]";
    String shape = "(" + rows + ",)";
    try (NpyTable table =
        NpyTable.open(
            file(NpyFile.of(NpyFile.dictionary(fields, false, shape), records.array())))) {
      assertEquals(List.of("a", "b", "c"), table.columns());
      double[][] cells = TableCells.of(table);
      for (int row = 0; row < rows; row++) {
        assertArrayEquals(new double[] {(byte) row, row * 0.5, -row}, cells[row]);
      }
    }
    shape = "(" + rows + ", 2)";
    try (NpyTable table =
        NpyTable.open(
            file(NpyFile.of(NpyFile.dictionary("'>f8'", true, shape), columns.array())))) {
      List<Long> order = new ArrayList<>();
      table.read(
          new int[] {1, 0},
          DType.F64,
          (row, selected, value) -> {
            assertEquals(selected == 0 ? -row : row * 0.5, value);
            order.add(selected * (long) rows + row);
          });
      assertEquals(2 * rows, order.size());
      assertEquals((long) rows, order.getFirst(), "in the order of the file");
      double[][] second = TableCells.of(table, 1);
      for (int row = 0; row < rows; row++) {
        assertEquals(-row, second[row][0]);
      }
    }
  }

  @Test
  void cutShortWhileItIsRead() throws IOException {
    int rows = 4 * ForwardWindow.WINDOW_BYTES / Double.BYTES;
    Path file = file(NpyFile.doubles(1, new double[rows]));
    try (NpyTable table = NpyTable.open(file);
        FileChannel other = FileChannel.open(file, StandardOpenOption.WRITE)) {
      DataException e =
          assertThrows(
              DataException.class,
              () ->
                  table.read(
                      new int[1],
                      DType.F64,
                      (row, selected, value) -> {
                        try {
                          other.truncate(1000);
                        } catch (IOException failure) {
                          throw new AssertionError(failure);
                        }
                      }));
      assertContains(e.getMessage(), "bytes were expected");
    }
  }

  @Test
  void mapped() throws IOException {
    Path file = file(NpyFile.doubles(2, 1, 2, 3, Double.NaN, 5, 6));
    try (TensorArena arena = TensorArena.open("mapped")) {
      Tensor x;
      try (NpyTable table = NpyTable.open(file)) {
        x = table.map(arena);
      }
      assertEquals(Shape.of(3, 2), x.shape());
      assertTrue(x.isReadOnly());
      assertArrayEquals(new double[] {1, 2, 3, Double.NaN, 5, 6}, x.toArray());
    }
    try (TensorArena arena = TensorArena.open("mapped")) {
      for (String name : List.of("f4", "f8", "vector", "column", "row", "version2")) {
        try (NpyTable table = NpyTable.open(TableCells.resource(name + ".npy"))) {
          Tensor x = table.map(arena);
          assertEquals(name.equals("vector") ? 1 : 2, x.shape().rank());
          assertEquals(name.equals("f4") ? DType.F32 : DType.F64, x.dtype());
          assertArrayEquals(TableCells.of(table), Datasets.rows(x), name);
        }
      }
    }
    assertTrue(Files.deleteIfExists(file));
  }

  @Test
  void notMappable() {
    try (TensorArena arena = TensorArena.open("not mapped")) {
      for (String name : List.of("f8_big_endian", "f2", "i8", "bool", "fortran", "records")) {
        try (NpyTable table = NpyTable.open(TableCells.resource(name + ".npy"))) {
          DataException e = assertThrows(DataException.class, () -> table.map(arena));
          assertContains(e.getMessage(), "cannot be mapped without a copy: only a C-ordered array");
        }
      }
      Path file = file(NpyFile.of(NpyFile.dictionary("'<f8'", false, "(1,)"), new byte[8]));
      try (NpyTable table = NpyTable.open(file)) {
        DataException e = assertThrows(DataException.class, () -> table.map(arena));
        assertContains(e.getMessage(), "its elements begin at byte 67, no multiple of 8");
      }
      file = file(NpyFile.doubles(1, 1, 2));
      try (NpyTable table = NpyTable.open(file)) {
        file(NpyFile.doubles(1, 1));
        DataException e = assertThrows(DataException.class, () -> table.map(arena));
        assertContains(e.getMessage(), "changed while it was read");
      }
      assertEquals(0, arena.bytes());
    }
  }

  @Test
  void closed() {
    NpyTable table = NpyTable.open(TableCells.resource("f8.npy"));
    table.close();
    table.close();
    assertFalse(table.hasNames());
    DataException e = assertThrows(DataException.class, () -> TableCells.of(table));
    assertContains(e.getMessage(), "cannot read");
  }
}
