package dev.panagrad.data.csv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.CsvDialect;
import dev.panagrad.data.DataException;
import dev.panagrad.data.TableCells;
import dev.panagrad.data.TableOptions;
import java.io.ByteArrayInputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CSV of other separators, decimal signs, comments and character sets. */
class CsvDialectTest {
  private final List<String> notes = new ArrayList<>();

  private static CsvDialect dialect(char separator, char decimal, char comment) {
    return new CsvDialect(separator, decimal, comment, StandardCharsets.UTF_8, Set.of("-9"));
  }

  private CsvTable table(String text, CsvDialect dialect) {
    byte[] bytes = text.getBytes(dialect.charset());
    TableOptions options =
        new TableOptions(null, dialect, null, notes::add, TableOptions.Setting::toString);
    return CsvTable.of("d.csv", () -> new ByteArrayInputStream(bytes), options);
  }

  private Object[][] values(String text, CsvDialect dialect) {
    CsvTable table = table(text, dialect);
    return TableCells.values(table, table.columns().toArray(String[]::new));
  }

  private String refusal(CsvTable table) {
    return assertThrows(DataException.class, table::rows).getMessage();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '/',
      value = {
        "a;b;y|1,5;2,5;3|3;4,25;5 / reading d.csv: separated by ';', decimal comma",
        "a;b;y|1.5;2.5;3|3;4.25;5 / reading d.csv: separated by ';'",
        "a~b~y|1.5~2.5~3|3~4.25~5 / reading d.csv: separated by tabs",
        "a!b!y|1.5!2.5!3|3!4.25!5 / reading d.csv: separated by '|'",
        "a,b,y|1.5,2.5,3|3,4.25,5 / ''"
      })
  void detected(String text, String note) {
    String lines = text.replace('|', '\n').replace('~', '\t').replace('!', '|');
    assertArrayEquals(
        new Object[][] {{1.5, 2.5, 3.0}, {3.0, 4.25, 5.0}}, values(lines, CsvDialect.DETECTED));
    assertEquals(note.isEmpty() ? List.of() : List.of(note), notes);
  }

  /** Commas that are consistent too, by numbers; and semicolons inside of texts. */
  @Test
  void whereTwoSeparatorsWouldDo() {
    assertArrayEquals(
        new Object[][] {{1.5, 2.5}, {3.5, 4.5}},
        values("a,x;b\n1,5;2,5\n3,5;4,5\n", CsvDialect.DETECTED));
    assertArrayEquals(
        new Object[][] {{1.0, "x;y"}, {2.0, "u;v"}},
        values("a,b;c\n1,x;y\n2,u;v\n", CsvDialect.DETECTED));
    assertArrayEquals(
        new Object[][] {{"1,5", 2.0}, {1.5, 1.25}},
        values("a;b\n1,5;2\n1.5;1.25\n", dialect(';', '.', '\0')));
  }

  /** A record of another length is named as what it is. */
  @Test
  void whereRecordsDiffer() {
    assertEquals(
        "d.csv:3: 2 fields where the header has 3",
        refusal(table("a;b;c\n1;2;3\n4;5\n", CsvDialect.DETECTED)));
  }

  @Test
  void asked() {
    assertArrayEquals(
        new Object[][] {{"1.5", null, 3.5}, {-4.0, 2e5, "x y"}},
        values("# a comment\na b c\n1.5 -9 3,5\n# b\n-4 +2e5 \"x y\"\n", dialect(' ', ',', '#')));
    assertArrayEquals(
        new Object[][] {{1.5}, {2.0}}, values("a\n1,5\n2\n", dialect('\0', ',', '\0')));
    assertArrayEquals(
        new Object[][] {{1.0, 2.0}}, values(",\na#b\n1#2\n", dialect('#', '\0', ',')));
    assertArrayEquals(new Object[][] {{1.0, 2.0}}, values("a#b\n1#2\n", dialect('#', '\0', '\0')));
    assertEquals(List.of(), notes);
  }

  @Test
  void headerOfNumbers() {
    assertEquals(List.of("1", "2"), table("1,2\n3,4\n", CsvDialect.DETECTED).columns());
    assertTrue(
        notes.getFirst().contains("if it is data, say Table.withoutHeader"), notes::toString);
    String message = refusal(table("1,1\n3,4\n", CsvDialect.DETECTED));
    assertTrue(message.endsWith("if the first record is data, say Table.withoutHeader"), message);
    notes.clear();
    table("2020,2021\na,b\n", CsvDialect.DETECTED).rows();
    table("3,4\n5,6\n", CsvDialect.DETECTED).withoutHeader().rows();
    table("a,1\n5,6\n", CsvDialect.DETECTED).rows();
    assertEquals(List.of(), notes);
    table("a b y\n1 2 3\n", CsvDialect.DETECTED).rows();
    assertTrue(notes.getFirst().contains("separated by blanks"), notes::toString);
  }

  @Test
  void otherCharacterSets() {
    CsvDialect latin = new CsvDialect('\0', '\0', '\0', StandardCharsets.ISO_8859_1, Set.of());
    assertArrayEquals(new Object[][] {{"\u00e9", "NA"}}, values("a,b\n\u00e9,NA\n", latin));
    CsvDialect wide = new CsvDialect('\0', '\0', '\0', StandardCharsets.UTF_16, Set.of());
    assertArrayEquals(new Object[][] {{"\u00e9", 1.0}}, values("a,b\n\u00e9,1\n", wide));
    byte[] bytes =
        ("a\n" + "1\n".repeat(30_000) + "\u00e9\n").getBytes(Charset.forName("ISO-8859-1"));
    String message = refusal(CsvTable.of("d.csv", () -> new ByteArrayInputStream(bytes)));
    assertTrue(message.contains("it is not UTF-8 near line "), message);
    assertTrue(message.endsWith("by CsvDialect.charset"), message);
  }

  @Test
  void manyColumns() {
    int columns = 16_385;
    String text =
        "c"
            + String.join(",c", IntStream.range(0, columns).mapToObj(i -> "" + i).toList())
            + "\n"
            + "1,".repeat(columns - 1)
            + "1\n";
    assertEquals(columns, table(text, CsvDialect.DETECTED).columns().size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"\".0", ";x0", ";,;", ",,0", "\n.0"})
  void charactersThatCannotGoTogether(String characters) {
    assertThrows(
        IllegalArgumentException.class,
        () ->
            dialect(
                characters.charAt(0),
                characters.charAt(1),
                characters.charAt(2) == '0' ? '\0' : characters.charAt(2)));
  }

  /** Numbers come back whatever separates them, and whatever sign their decimals have. */
  @Property(tries = 100)
  void roundTrip(
      @ForAll @Size(min = 2, max = 30) List<@DoubleRange(min = -1e6, max = 1e6) Double> numbers,
      @ForAll("separators") char separator,
      @ForAll boolean comma) {
    boolean used = comma && separator != ',';
    StringBuilder text = new StringBuilder("a" + separator + "b\n");
    Object[][] rows = new Object[numbers.size() - 1][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = new Object[] {numbers.get(i), numbers.get(i + 1)};
      String line = numbers.get(i) + "" + separator + numbers.get(i + 1) + "\n";
      text.append(used ? line.replace('.', ',') : line);
    }
    assertArrayEquals(rows, values(text.toString(), CsvDialect.DETECTED));
  }

  @Provide
  static Arbitrary<Character> separators() {
    return Arbitraries.of(',', ';', '\t', '|');
  }
}
