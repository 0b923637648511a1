package dev.panagrad.data.csv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.file.FileSource;
import dev.panagrad.data.file.NumberText;
import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plain files give what a parser of records reads from the same bytes. */
class PlainRecordsTest {
  @TempDir private Path folder;

  private FileSource file(String text) throws IOException {
    Path path = folder.resolve("p.csv");
    return new FileSource(Files.writeString(path, text), "a CSV file");
  }

  private static String number(SplittableRandom random) {
    double value = Double.longBitsToDouble(random.nextLong());
    return switch (random.nextInt(9)) {
      case 0 -> Double.isFinite(value) ? Double.toString(value) : "0";
      case 1 -> String.format(Locale.ROOT, "%.6f", random.nextGaussian());
      case 2 -> Double.toString(random.nextGaussian());
      case 3 -> Long.toString(random.nextLong());
      case 4 -> random.nextInt(-9, 10) + ".";
      case 5 -> "+." + random.nextInt(100);
      case 6 -> "-0." + "0".repeat(random.nextInt(25)) + random.nextInt(10);
      case 7 -> random.nextInt(10) + "E" + random.nextInt(-330, 330);
      default -> "9007199254740993." + "0".repeat(random.nextInt(4)) + random.nextInt(2);
    };
  }

  /** Bits of the nearest double, whatever digits there are. */
  @Test
  void numbers() throws IOException {
    SplittableRandom random = new SplittableRandom(3);
    List<String> texts = IntStream.range(0, 20_000).mapToObj(_ -> number(random)).toList();
    PlainRecords records =
        PlainRecords.find(file("y\n" + String.join("\n", texts)), ',', 1, true, 1 << 12);
    assertEquals(texts.size(), records.count());
    List<Double> found = new ArrayList<>();
    assertTrue(
        records.read(
            new int[] {0},
            piece -> {
              for (int row = 0; row < piece.rows(); row++) {
                assertTrue(piece.nextOther(row) != row, piece.text(row, 0));
                found.add(piece.values()[row]);
              }
            }));
    for (int i = 0; i < texts.size(); i++) {
      assertEquals(Double.valueOf(Double.parseDouble(texts.get(i))), found.get(i), texts.get(i));
    }
  }

  /** Everything that is handed over, with places, or what is thrown. */
  private static String events(Table table, int[] columns) {
    StringBuilder said = new StringBuilder();
    try {
      said.append(table.columns()).append(table.rows());
      table.read(
          columns,
          new Table.Values() {
            @Override
            public void number(long row, int selected, double value) {
              said.append('\n').append(row).append(' ').append(selected).append(' ').append(value);
            }

            @Override
            public void text(long row, int selected, String text) {
              said.append('\n').append(table.place(row, columns[selected])).append(text);
            }

            @Override
            public void missing(long row, int selected) {
              said.append('\n').append(table.wrong(row, columns[selected], null, "is missing"));
            }
          });
      table.read(columns, DType.F32, (_, _, _) -> {});
    } catch (DataException e) {
      said.append(e.getMessage());
    }
    return said.toString();
  }

  private static String cell(SplittableRandom random, boolean isUnusual) {
    return switch (random.nextInt(isUnusual ? 14 : 12)) {
      case 0 -> "";
      case 1 -> " " + number(random);
      case 2 -> number(random) + "\t ";
      case 3 ->
          List.of("nan", "-Inf", "NA", "e5", ".", "-", "1e", "1f", "0x1p3", "1 2")
              .get(random.nextInt(10));
      case 4 -> "text";
      case 12 -> "\"a,\nb\"";
      case 13 -> "\u00e9";
      default -> number(random);
    };
  }

  private static String text(SplittableRandom random) {
    int columns = 1 + random.nextInt(4);
    boolean isUnusual = random.nextInt(4) == 0;
    String end = random.nextBoolean() ? "\n" : "\r\n";
    StringBuilder text = new StringBuilder(random.nextInt(8) == 0 ? "\uFEFF" : "");
    IntStream.range(0, columns).forEach(c -> text.append(c == 0 ? "" : ",").append("x").append(c));
    text.append(end);
    for (int row = random.nextInt(1, 30); row > 0; row--) {
      int fields = isUnusual && random.nextInt(20) == 0 ? columns + 1 : columns;
      for (int c = 0; c < fields; c++) {
        text.append(c == 0 ? "" : ",").append(cell(random, isUnusual));
      }
      boolean isLast = row == 1 && random.nextBoolean();
      text.append(isLast ? "" : isUnusual && random.nextInt(20) == 0 ? "\r" : end);
      text.append(random.nextInt(10) == 0 ? end : "");
    }
    return text.toString();
  }

  @Test
  void sameAsRecords() throws IOException {
    SplittableRandom random = new SplittableRandom(4);
    int plain = 0;
    int turns = Boolean.getBoolean("panagrad.test.slow") ? 10_000 : 150;
    for (int turn = 0; turn < turns; turn++) {
      String text = text(random);
      FileSource source = file(text);
      try (Table pieces = CsvTable.of("p.csv", source);
          Table records = CsvTable.of("p.csv", () -> source.open())) {
        int count = text.split("\r?\n", 2)[0].split(",").length;
        int[] columns =
            random.nextBoolean() ? IntStream.range(0, count).toArray() : new int[] {count - 1};
        assertEquals(events(records, columns), events(pieces, columns), text);
      }
      PlainRecords found =
          PlainRecords.find(
              source, ',', text.split("\n", 2)[0].split(",", -1).length, true, 1 + turn % 40);
      plain += found == null ? 0 : 1;
      if (found != null) {
        assertEquals(cells(text), cells(found), text);
      }
    }
    assertTrue(plain > turns / 2, plain + " are plain");
  }

  private static List<String> cells(String text) {
    return text.lines()
        .skip(1)
        .filter(line -> !line.isEmpty())
        .map(line -> line.split(",", -1)[0])
        .map(cell -> cell.strip())
        .map(
            cell ->
                NumberText.isNumber(cell) && cell.charAt(cell.length() - 1) <= '9'
                    ? Double.toString(Double.parseDouble(cell))
                    : cell)
        .toList();
  }

  /** The cells of the first column, over pieces of a few bytes. */
  private static List<String> cells(PlainRecords records) throws IOException {
    List<String> found = new ArrayList<>();
    assertTrue(
        records.read(
            new int[] {0},
            piece -> {
              for (int row = 0; row < piece.rows(); row++) {
                found.add(
                    piece.nextOther(row) == row
                        ? piece.text(row, 0).strip()
                        : Double.toString(piece.values()[row]));
              }
            }));
    return found;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a,b\n1,2\n3,\"4\"\n",
        "a,b\n1,2\n3\n",
        "a,b\n1,2\r3,4\n",
        "a,b\n1,\u00e9\n",
        "\"a\",b\n1,2\n",
        "\na,b\n1,2\n",
        "a,b"
      })
  void otherFiles(String text) throws IOException {
    assertNull(PlainRecords.find(file(text), ',', 2, true, 4));
  }

  /** Lines without end are left to the parser that refuses them, and take no memory. */
  @Test
  void lineWithoutEnd() throws IOException {
    FileSource source = file("a\n1\n");
    try (FileChannel hole = FileChannel.open(source.file(), StandardOpenOption.WRITE)) {
      hole.write(ByteBuffer.wrap(new byte[] {'\n'}), 300L << 20);
    }
    assertNull(PlainRecords.find(source, ',', 1, true, PlainRecords.PIECE_BYTES));
  }

  /** A file that grows while it is read is one that changed. */
  @Test
  void changes() throws IOException {
    FileSource source = file("a\n1\n2\n");
    PlainRecords records = PlainRecords.find(source, ',', 1, true, 4);
    assertNotNull(records);
    Files.write(source.file(), "a\n1\n\n\n".getBytes(StandardCharsets.UTF_8));
    assertTrue(!records.read(new int[] {0}, _ -> {}));
    Files.writeString(source.file(), "a\n1\n2\n3\n");
    assertTrue(!records.read(new int[] {0}, _ -> {}));
  }

  /** Lines that are longer than the pieces, and lines of a file. */
  @Test
  void longLines() throws IOException {
    int columns = 300;
    StringBuilder text = new StringBuilder("c".repeat(3) + ",x".repeat(columns - 1) + "\n");
    for (int row = 0; row < 20; row++) {
      text.append(row).append(",1.5".repeat(columns - 1)).append("\n\n");
    }
    PlainRecords records = PlainRecords.find(file(text.toString()), ',', columns, true, 64);
    List<Long> lines = new ArrayList<>();
    assertTrue(
        records.read(
            new int[] {columns - 1, 0},
            piece -> {
              for (int row = 0; row < piece.rows(); row++) {
                assertEquals(1.5, piece.values()[2 * row]);
                assertEquals(lines.size(), piece.values()[2 * row + 1]);
                try {
                  lines.add(records.line(piece.position(row)));
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              }
            }));
    assertEquals(IntStream.range(0, 20).mapToObj(row -> 2 + 2L * row).toList(), lines);
  }
}
