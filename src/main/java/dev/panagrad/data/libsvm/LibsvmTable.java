package dev.panagrad.data.libsvm;

import dev.panagrad.data.DataException;
import dev.panagrad.data.TableOptions;
import dev.panagrad.data.file.FileSource;
import dev.panagrad.data.file.NumberText;
import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.data.file.ScannedTable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;

/**
 * A file of lines {@code label index:value index:value ...}, as LIBSVM and SVMlight read them, as a
 * dense table: column "y" is the label, columns "1" to "d" are the features, and those that a line
 * does not have are 0.
 *
 * <p>Format: numbers as {@link NumberText} has them, and labels may be texts; indices from 1 that
 * ascend within a line, {@code qid:integer} after the label, which is skipped, comments from # to
 * the end of the line, blank lines skipped. d is the largest index of the file, or {@link
 * #withFeatures}.
 *
 * <p>The file is read twice: to count rows and find the largest index, and to parse numbers.
 * Between the two, what the dense table takes as F64 is compared with {@link #withDenseLimit}.
 * Source: LIBSVM, README, section {@code svm-train} Usage; SVMlight, section Input file.
 */
public final class LibsvmTable extends ScannedTable {
  /** What a dense table may take unless another limit is set: 8 GiB. */
  public static final long DEFAULT_DENSE_LIMIT = 8L << 30;

  private static final String LABEL = "y";

  private final Source source;
  private long denseLimit = DEFAULT_DENSE_LIMIT;
  private int leastFeatures;
  private int largest; // index in the file
  private SparseLines current; // while its cells are handed over

  private final boolean hasNumericMarks;
  private final Set<String> missing; // cells that stand for a missing value

  private LibsvmTable(String name, Source source, TableOptions options) {
    super(name);
    this.source = source;
    missing = options.csv().missing();
    hasNumericMarks = missing.stream().anyMatch(NumberText::isNumber);
  }

  public static LibsvmTable file(Path file) {
    return of(file.toString(), new FileSource(file, "a LIBSVM file"), TableOptions.DEFAULT);
  }

  /** A table of that source, which is opened for each reading. */
  public static LibsvmTable of(String name, Source source, TableOptions options) {
    return new LibsvmTable(name, source, options);
  }

  @Override
  public LibsvmTable withFeatures(int count) {
    if (count < 0 || count >= NumberedColumns.MAX_COLUMNS) {
      throw new IllegalArgumentException(
          "%,d features; at most %,d are read".formatted(count, NumberedColumns.MAX_COLUMNS - 1));
    }
    leastFeatures = count;
    rescan();
    return this;
  }

  @Override
  public LibsvmTable withDenseLimit(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("a limit of %,d bytes is negative".formatted(bytes));
    }
    denseLimit = bytes;
    rescan();
    return this;
  }

  @Override
  protected Layout scan() {
    long rows = 0;
    largest = 0;
    try (SparseLines lines = lines()) {
      while (lines.nextLine()) {
        rows++;
        while (lines.nextPair()) {
          largest = Math.max(largest, lines.index);
        }
      }
    } catch (IOException e) {
      throw RegularFile.cannotRead(name(), e);
    }
    if (rows == 0) {
      throw new DataException(name() + " has no rows");
    }
    int features = Math.max(largest, leastFeatures);
    long rowBytes = (features + 1L) * Double.BYTES;
    if (rows > denseLimit / rowBytes) {
      throw new DataException(
          "%s: %,d rows of %,d features and a label take %,d bytes as a dense table of F64, and %,d are allowed; keep the features that are needed, or set Table.withDenseLimit"
              .formatted(name(), rows, features, rows * rowBytes, denseLimit));
    }
    return new Layout(NumberedColumns.after(LABEL, features), rows);
  }

  private SparseLines lines() throws IOException {
    return new SparseLines(name(), source.open());
  }

  @Override
  public void read(int[] selected, Values into) {
    Layout expected = layout();
    int[] order = NumberedColumns.ascending(selected);
    int[] columns = Arrays.stream(order).map(i -> selected[i]).toArray();
    try (SparseLines lines = lines()) {
      current = lines;
      long row = 0;
      while (lines.nextLine()) {
        if (row == expected.rows()) {
          throw changed();
        }
        int next = 0;
        if (columns.length > 0 && columns[0] == 0) {
          cell(lines.label, row, order[next++], into);
        }
        while (lines.nextPair()) {
          int index = lines.index;
          if (index > largest) {
            throw changed();
          }
          for (; next < columns.length && columns[next] < index; next++) {
            into.number(row, order[next], 0);
          }
          if (next < columns.length && columns[next] == index) {
            double number = hasNumericMarks ? Double.NaN : lines.number();
            if (Double.isNaN(number)) {
              cell(lines.value(), row, order[next++], into);
            } else {
              into.number(row, order[next++], number);
            }
          }
        }
        for (; next < columns.length; next++) {
          into.number(row, order[next], 0);
        }
        row++;
      }
      if (row < expected.rows()) {
        throw changed();
      }
    } catch (IOException e) {
      throw RegularFile.cannotRead(name(), e);
    } finally {
      current = null;
    }
  }

  private void cell(String text, long row, int selected, Values into) {
    boolean isNumber = NumberText.isNumber(text);
    if (isNumber && !(hasNumericMarks && missing.contains(text))) {
      into.number(row, selected, NumberText.parse(text));
    } else if (isNumber || text.isEmpty() || missing.contains(text)) {
      into.missing(row, selected); // or blanks that only Unicode knows
    } else {
      into.text(row, selected, text);
    }
  }

  @Override
  public String place(long row, int column) {
    return current.place();
  }

  /** Shows the cell as it is written, a number too; it is 0 if the line does not have it. */
  @Override
  public DataException wrong(long row, int column, String value, String problem) {
    String text = column == 0 ? current.label : column == current.index ? current.value() : "0";
    return super.wrong(row, column, "'" + SparseLines.shown(text) + "'", problem);
  }
}
