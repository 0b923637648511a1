package dev.panagrad.fuzz;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableOptions;
import dev.panagrad.data.TableReader;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.stream.IntStream;

/** Bytes as a table of any kind, by the ending of the file's name. */
final class TableReading {
  /** A header of a few bytes may have many. */
  private static final int MAX_COLUMNS = 100;

  private TableReading() {}

  static void check(String name, byte[] bytes, int allocatedPerByte) {
    check(name, bytes, allocatedPerByte, TableOptions.DEFAULT);
  }

  /**
   * Reads cells as they are, and then as numbers: what is refused as the first is as the others.
   */
  static void check(String name, byte[] bytes, int allocatedPerByte, TableOptions options) {
    Reading.check(
        name,
        bytes,
        allocatedPerByte,
        file -> {
          try (Table table = TableFile.open(file, options);
              TensorArena arena = TensorArena.open("fuzz")) {
            List<String> columns = table.columns();
            int shown = Math.min(MAX_COLUMNS, columns.size());
            DataException refused = null;
            try {
              table.read(IntStream.range(0, shown).toArray(), new Cells(table.rows(), shown));
            } catch (DataException e) {
              refused = e;
            }
            TableReader.of(table)
                .features(columns.subList(0, shown))
                .readFeatures(arena, DType.F64, List.of());
            if (refused != null) {
              throw new AssertionError("numbers that are no cells", refused);
            }
          }
        });
  }

  /** Requires that cells are of the table, and texts as they should be. */
  private record Cells(long rows, int columns) implements Table.Values {
    private void require(long row, int selected) {
      if (row < 0 || row >= rows || selected < 0 || selected >= columns) {
        throw new AssertionError("row %d, column %d".formatted(row, selected));
      }
    }

    @Override
    public void number(long row, int selected, double value) {
      require(row, selected);
    }

    @Override
    public void text(long row, int selected, String text) {
      require(row, selected);
      if (text.isEmpty() || !text.equals(text.strip())) {
        throw new AssertionError("the text '" + text + "'");
      }
    }

    @Override
    public void missing(long row, int selected) {
      require(row, selected);
    }
  }
}
