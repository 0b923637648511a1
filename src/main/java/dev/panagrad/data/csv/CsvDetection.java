package dev.panagrad.data.csv;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.panagrad.data.CsvDialect;
import dev.panagrad.data.file.NumberText;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What the first records of a CSV file show: which character separates their fields, whether
 * numbers have a decimal comma, whether the first record can be one of names.
 *
 * <p>A separator is one that gives each of the first 100 records, of at most 64 KiB, the same
 * number of fields, more than one. Of several, that with more cells that are numbers is taken, and
 * else the first of comma, semicolon, tab and bar; comma if there is none.
 */
final class CsvDetection {
  private static final int CHARACTERS = 1 << 16;
  private static final int RECORDS = 100;
  private static final String SEPARATORS = ",;\t|";
  private static final Pattern COMMA_NUMBER =
      Pattern.compile("[-+]?[0-9]*,[0-9]+([eE][-+]?[0-9]+)?");

  private static final double ONE_FIELD = -3;

  final char separator;
  final char decimal;

  /** True if the first record has several fields. */
  final boolean hasFields;

  /** True if all fields of the first record are numbers, and some of the others. */
  final boolean isHeaderOfNumbers;

  /** True if fields seem to be separated by blanks, which is not detected. */
  final boolean hasBlanks;

  private CsvDetection(
      char separator,
      char decimal,
      boolean hasFields,
      boolean isHeaderOfNumbers,
      boolean hasBlanks) {
    this.separator = separator;
    this.decimal = decimal;
    this.hasFields = hasFields;
    this.isHeaderOfNumbers = isHeaderOfNumbers;
    this.hasBlanks = hasBlanks;
  }

  /** Looks at the first records of a text, which can be marked and is reset. */
  static CsvDetection of(Reader in, CsvDialect dialect) throws IOException {
    char[] start = new char[CHARACTERS];
    int length = 0;
    in.mark(CHARACTERS);
    for (int count = 0; count >= 0 && length < CHARACTERS; length += Math.max(0, count)) {
      count = in.read(start, length, CHARACTERS - length);
    }
    in.reset();
    String text = new String(start, 0, length);
    // The last line may go on.
    int end = length < CHARACTERS ? length : text.lastIndexOf('\n');
    String lines = end < 0 ? text : text.substring(0, end);
    char separator = dialect.separator();
    List<CsvRecord> records = List.of();
    double most = Double.NEGATIVE_INFINITY;
    String candidates = separator == 0 ? SEPARATORS : String.valueOf(separator);
    for (int i = 0; i < candidates.length(); i++) {
      char candidate = candidates.charAt(i);
      if (candidate != dialect.decimal() && candidate != dialect.comment()) {
        List<CsvRecord> found = records(lines, dialect, candidate);
        double score = score(found);
        if (score > most) {
          most = score;
          separator = candidate;
          records = found;
        }
      }
    }
    char decimal = dialect.decimal();
    if (decimal == 0) {
      decimal = separator != ',' && isDecimalComma(records) ? ',' : '.';
    }
    boolean isHeaderOfNumbers =
        records.size() > 1
            && records.getFirst().getFields().stream().allMatch(CsvDetection::isNumber)
            && records.get(1).getFields().stream().anyMatch(CsvDetection::isNumber);
    boolean hasBlanks =
        !records.isEmpty()
            && records.stream()
                .allMatch(r -> r.getFieldCount() == 1 && r.getField(0).strip().matches("\\S+ .*"));
    return new CsvDetection(separator, decimal, most > ONE_FIELD, isHeaderOfNumbers, hasBlanks);
  }

  private static List<CsvRecord> records(String lines, CsvDialect dialect, char separator) {
    List<CsvRecord> records = new ArrayList<>();
    try (CsvReader<CsvRecord> reader = CsvRecords.of(new StringReader(lines), dialect, separator)) {
      for (CsvRecord record : reader) {
        if (records.size() < RECORDS) {
          records.add(record);
        }
      }
    } catch (CsvParseException | UncheckedIOException | IOException _) {
      // What is wrong is said, with its line, when it is read.
    }
    return records;
  }

  /**
   * The share of numbers in the cells after the first record; -1 or less by the share of records of
   * other lengths than the first; {@value #ONE_FIELD} if that has one field.
   */
  private static double score(List<CsvRecord> records) {
    int fields = records.isEmpty() ? 0 : records.getFirst().getFieldCount();
    if (fields < 2) {
      return ONE_FIELD;
    }
    double others = records.stream().filter(record -> record.getFieldCount() != fields).count();
    if (others > 0) {
      return -1 - others / records.size();
    }
    long numbers =
        records.stream()
            .skip(1)
            .flatMap(record -> record.getFields().stream())
            .filter(CsvDetection::isNumber)
            .count();
    return (double) numbers / Math.max(1, records.size() - 1) / fields;
  }

  private static boolean isNumber(String field) {
    String text = field.strip();
    return NumberText.isNumber(text) || COMMA_NUMBER.matcher(text).matches();
  }

  private static boolean isDecimalComma(List<CsvRecord> records) {
    boolean comma = false;
    for (CsvRecord record : records) {
      for (String field : record.getFields()) {
        String text = field.strip();
        if (text.indexOf('.') >= 0 && NumberText.isNumber(text)) {
          return false;
        }
        comma |= COMMA_NUMBER.matcher(text).matches();
      }
    }
    return comma;
  }
}
