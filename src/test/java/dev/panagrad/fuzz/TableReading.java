package dev.panagrad.fuzz;

import dev.panagrad.data.Table;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableReader;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;

/** Bytes as a table of any kind, by the ending of the file's name. */
final class TableReading {
  private TableReading() {}

  static void check(String name, byte[] bytes, int allocatedPerByte) {
    Reading.check(
        name,
        bytes,
        allocatedPerByte,
        file -> {
          try (Table table = TableFile.open(file);
              TensorArena arena = TensorArena.open("fuzz")) {
            TableReader.of(table).features(table.columns()).readFeatures(arena, DType.F64);
          }
        });
  }
}
