package dev.panagrad.fuzz;

import dev.panagrad.data.Table;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableReader;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.List;

/** Bytes as a table of any kind, by the ending of the file's name. */
final class TableReading {
  /** A header of a few bytes may have many. */
  private static final int MAX_COLUMNS = 100;

  private TableReading() {}

  static void check(String name, byte[] bytes, int allocatedPerByte) {
    Reading.check(
        name,
        bytes,
        allocatedPerByte,
        file -> {
          try (Table table = TableFile.open(file);
              TensorArena arena = TensorArena.open("fuzz")) {
            List<String> columns = table.columns();
            int shown = Math.min(MAX_COLUMNS, columns.size());
            TableReader.of(table)
                .features(columns.subList(0, shown))
                .readFeatures(arena, DType.F64, List.of());
          }
        });
  }
}
