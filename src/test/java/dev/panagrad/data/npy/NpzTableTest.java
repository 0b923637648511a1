package dev.panagrad.data.npy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.Table;
import dev.panagrad.data.TableCells;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.file.NumberedColumns;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives of arrays, and archives that say what is not so. */
class NpzTableTest {
  /** Fields of an entry in the central directory: bytes after its signature. */
  private static final int FLAGS = 8;

  private static final int METHOD = 10;
  private static final int CRC = 16;
  private static final int SIZE = 24;
  private static final int CENTRAL = 0x02014b50;

  private final Map<String, byte[]> entries = new LinkedHashMap<>();

  @TempDir private Path folder;

  private Path path() {
    return folder.resolve("a.npz");
  }

  private byte[] archive(int method) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        ZipEntry zipped = new ZipEntry(entry.getKey());
        zipped.setMethod(method);
        zipped.setSize(entry.getValue().length);
        if (method == ZipEntry.STORED) {
          CRC32 sum = new CRC32();
          sum.update(entry.getValue());
          zipped.setCrc(sum.getValue());
        }
        out.putNextEntry(zipped);
        out.write(entry.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private String refusal(byte[] archive, String part) {
    String message = TableCells.refusal(TableCells.write(path(), archive));
    assertTrue(message.contains(part), () -> "no '" + part + "' in: " + message);
    return message;
  }

  private String refusal(String part) {
    return refusal(archive(ZipEntry.DEFLATED), part);
  }

  private Table table(int method) {
    return TableFile.open(TableCells.write(path(), archive(method)));
  }

  /** Where the directory's entries begin. */
  private static List<Integer> central(byte[] archive) {
    ByteBuffer bytes = ByteBuffer.wrap(archive).order(ByteOrder.LITTLE_ENDIAN);
    List<Integer> found = new ArrayList<>();
    for (int at = 0; at + Integer.BYTES <= archive.length; at++) {
      if (bytes.getInt(at) == CENTRAL) {
        found.add(at);
      }
    }
    return found;
  }

  private static byte[] patched(byte[] archive, int field, int value) {
    byte[] other = archive.clone();
    int at = central(archive).getFirst() + field;
    ByteBuffer bytes = ByteBuffer.wrap(other).order(ByteOrder.LITTLE_ENDIAN);
    if (field == FLAGS || field == METHOD) {
      bytes.putShort(at, (short) value);
    } else {
      bytes.putInt(at, value);
    }
    return other;
  }

  @Test
  void namesOfColumns() {
    entries.put("x.npy", NpyFile.doubles(2, 1, 2, 3, 4));
    entries.put("folder/one.npy", NpyFile.doubles(1, 5, 6));
    entries.put(
        "r.npy",
        NpyFile.of(
            NpyFile.dictionary("[('p', '|u1'), ('', '|V1'), ('q', '|i1')]", false, "(2,)"),
            new byte[] {1, 9, 2, 3, 9, -4}));
    for (int method : new int[] {ZipEntry.STORED, ZipEntry.DEFLATED}) {
      try (Table table = table(method)) {
        assertEquals(List.of("x1", "x2", "folder/one", "p", "q"), table.columns());
        assertTrue(table.hasNames());
        assertArrayEquals(new double[][] {{1, 2, 5, 1, 2}, {3, 4, 6, 3, -4}}, TableCells.of(table));
        assertArrayEquals(new double[][] {{-4, 3}}, new double[][] {TableCells.of(table, 4, 0)[1]});
      }
    }
  }

  @Test
  void arrayThatIsAlone() {
    entries.put("arr_0.npy", NpyFile.doubles(2, 1, 2, 3, 4));
    try (Table table = table(ZipEntry.DEFLATED)) {
      assertEquals(List.of("1", "2"), table.columns());
      assertFalse(table.hasNames());
    }
  }

  @Test
  void columnsOfOneName() {
    entries.put("x.npy", NpyFile.doubles(2, 1, 2));
    entries.put("x1.npy", NpyFile.doubles(1, 3));
    refusal("arrays 'x' and 'x1' both give a column 'x1'; rename one of them");
  }

  @Test
  void rowsThatDiffer() {
    entries.put("x.npy", NpyFile.doubles(2, 1, 2));
    entries.put("y.npy", NpyFile.doubles(1, 3, 4));
    refusal("array 'x' has 1 rows, and array 'y' has 2");
  }

  @Test
  void columnsWithoutEnd() {
    byte[] wide =
        NpyFile.of(
            NpyFile.dictionary("'|u1'", false, "(1, " + NumberedColumns.MAX_COLUMNS + ")"),
            new byte[NumberedColumns.MAX_COLUMNS]);
    entries.put("x.npy", wide);
    try (Table table = table(ZipEntry.STORED)) {
      assertEquals(NumberedColumns.MAX_COLUMNS, table.columns().size());
      assertEquals("1048576", table.columns().getLast());
    }
    entries.put("y.npy", NpyFile.doubles(1, 1));
    refusal(archive(ZipEntry.STORED), "at most 1,048,576 are read");
  }

  @Test
  void whatIsNoArray() {
    refusal("a.npz has no arrays");
    entries.put("x.npy", NpyFile.doubles(1, 1));
    entries.put("notes.txt", new byte[3]);
    refusal("entry 'notes.txt' is no array");
    entries.remove("notes.txt");
    entries.put("a\nb.npy", NpyFile.doubles(1, 1));
    refusal("a.npz: the name of an entry has a control character");
    entries.remove("a\nb.npy");
    entries.put(
        "names.npy", NpyFile.of(NpyFile.dictionary("'|O'", false, "(1,)"), new byte[] {'.'}));
    String message = refusal("array 'names', byte 20: the array has Python objects");
    assertTrue(message.startsWith(path() + ", array 'names'"), message);
    refusal("1,2\n3,4\n".getBytes(StandardCharsets.UTF_8), "cannot read");
    refusal(new byte[0], "cannot read");
  }

  @Test
  void arrayThatIsThereTwice() {
    entries.put("xa.npy", NpyFile.doubles(1, 1));
    entries.put("xb.npy", NpyFile.doubles(1, 1));
    byte[] archive = archive(ZipEntry.STORED);
    for (int i = 0; i < archive.length; i++) {
      if (archive[i] == 'b' && archive[i - 1] == 'x' && archive[i + 1] == '.') {
        archive[i] = 'a';
      }
    }
    refusal(archive, "array 'xa' is there twice");
  }

  @Test
  void encryptedAndOtherMethods() {
    entries.put("x.npy", NpyFile.doubles(1, 1));
    byte[] archive = archive(ZipEntry.DEFLATED);
    refusal(patched(archive, FLAGS, 1), "encrypted");
    for (int method : new int[] {1, 9, 12, 14, 93, 99}) {
      refusal(patched(archive, METHOD, method), "compression method: " + method);
    }
  }

  @Test
  void sizesThatDeflateCannotReach() {
    entries.put("x.npy", NpyFile.doubles(1, new double[1000]));
    for (int method : new int[] {ZipEntry.STORED, ZipEntry.DEFLATED}) {
      byte[] archive = archive(method);
      refusal(
          patched(archive, SIZE, Integer.MAX_VALUE), "it is said to be 2,147,483,647 bytes large");
      refusal(
          patched(archive, SIZE, 8129),
          method == ZipEntry.STORED ? "8,128 at most" : "takes 8,000 bytes, and 8,001 follow");
    }
  }

  /** The array's header and the directory agree; the data has fewer bytes, or more. */
  @Test
  void dataOfAnotherSize() {
    byte[] array = NpyFile.doubles(1, new double[1000]);
    for (int change : new int[] {-1, 1, 300_000}) {
      entries.put("x.npy", Arrays.copyOf(array, array.length + change));
      byte[] archive = patched(archive(ZipEntry.DEFLATED), SIZE, array.length);
      refusal(
          archive,
          change < 0
              ? "8,000 bytes were expected, and there are 7,999"
              : "8,000 bytes were expected, and there are more");
    }
  }

  @Test
  void sumThatIsWrong() {
    entries.put("x.npy", NpyFile.doubles(1, 1, 2, 3));
    entries.put("y.npy", NpyFile.doubles(1, 1, 2, 3));
    byte[] archive = patched(archive(ZipEntry.DEFLATED), CRC, 0x1234);
    refusal(archive, "array 'x' is damaged: its bytes have the CRC-32");
    // What is not read is not summed.
    try (Table table = TableFile.open(path())) {
      assertArrayEquals(new double[][] {{1}, {2}, {3}}, TableCells.of(table, 1));
    }
  }

  /** Two entries of one place, as in archives that inflate to more than they have. */
  @Test
  void entriesThatOverlap() {
    double[] values = new Random(3).doubles(1000).toArray();
    entries.put("x.npy", NpyFile.doubles(1, values));
    byte[] archive = archive(ZipEntry.STORED);
    int start = central(archive).getFirst();
    int end = archive.length - 22;
    ByteBuffer twice =
        ByteBuffer.allocate(archive.length + end - start).order(ByteOrder.LITTLE_ENDIAN);
    twice.put(archive, 0, end).put(archive, start, archive.length - start);
    int directory = end + end - start;
    twice.putShort(directory + 8, (short) 2).putShort(directory + 10, (short) 2);
    twice.putInt(directory + 12, 2 * (end - start));
    twice.put(end + 46, (byte) 'y');
    refusal(twice.array(), "array 'y': it is said to take 8,128 bytes of the file, and");
  }

  @Test
  void headersLargerThanTheFile() {
    byte[] blanks = " ".repeat(60_000).getBytes(StandardCharsets.UTF_8);
    String dictionary =
        NpyFile.dictionary("'|u1'", false, "(1,)") + new String(blanks, StandardCharsets.UTF_8);
    for (int i = 0; i < 20; i++) {
      entries.put("a" + i + ".npy", NpyFile.of(dictionary, (byte) i));
    }
    refusal("the headers of its arrays are larger than the file");
    entries.keySet().removeIf(name -> name.length() > "a0.npy".length());
    try (Table table = table(ZipEntry.DEFLATED)) {
      assertEquals(10, table.columns().size());
    }
  }

  /** What is skipped, and what lies across the ends of windows, comes out of a decompressor. */
  @Test
  void largerThanTheWindow() {
    int rows = 3 * ForwardWindow.WINDOW_BYTES / 13;
    ByteBuffer records = ByteBuffer.allocate(rows * 13).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer columns = ByteBuffer.allocate(rows * 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < rows; row++) {
      records.put((byte) row).putDouble(row * 0.5).putInt(-row);
      columns.putDouble(row * Double.BYTES, row * 0.5).putDouble((rows + row) * Double.BYTES, -row);
    }
    entries.put(
        "r.npy",
        NpyFile.of(
            NpyFile.dictionary(
                "[('a', '|i1'), ('b', '<f8'), ('c', '<i4')]", false, "(" + rows + ",)"),
            records.array()));
    entries.put(
        "f.npy",
        NpyFile.of(NpyFile.dictionary("'<f8'", true, "(" + rows + ", 2)"), columns.array()));
    for (int method : new int[] {ZipEntry.STORED, ZipEntry.DEFLATED}) {
      try (Table table = table(method)) {
        double[][] cells = TableCells.of(table);
        double[][] some = TableCells.of(table, 4, 2);
        for (int row = 0; row < rows; row++) {
          assertArrayEquals(
              new double[] {(byte) row, row * 0.5, -row, row * 0.5, -row}, cells[row]);
          assertArrayEquals(new double[] {-row, -row}, some[row]);
        }
      }
    }
  }
}
