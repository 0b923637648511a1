package dev.panagrad.data.safetensors;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.ArrayTable;
import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A safetensors file whose tensors have the same number of rows. They are mapped until {@link
 * #close}; the file must not be made shorter meanwhile, which ends the process that reads it.
 */
public final class SafetensorsTable extends ArrayTable {
  private final TensorArena arena;
  private final List<Tensor> tensors;

  private SafetensorsTable(String name, TensorArena arena, List<Tensor> tensors) {
    super(name, tensors.stream().map(t -> member(name, t)).toList());
    this.arena = arena;
    this.tensors = tensors;
  }

  private static Member member(String file, Tensor tensor) {
    if (tensor.shape().rank() > 2) {
      throw new DataException(
          "%s: tensor '%s' of shape %s is no table; save it as [rows, columns]"
              .formatted(file, tensor.name(), tensor.shape()));
    }
    if (tensor.count() == 0) {
      String missing = tensor.rows() == 0 ? "rows" : "columns";
      throw new DataException(
          "%s: tensor '%s' of shape %s has no %s"
              .formatted(file, tensor.name(), tensor.shape(), missing));
    }
    if (tensor.cols() > NumberedColumns.MAX_COLUMNS) {
      throw new DataException(
          "%s: tensor '%s' has %,d columns; at most %,d are read"
              .formatted(file, tensor.name(), tensor.cols(), NumberedColumns.MAX_COLUMNS));
    }
    return new Member(tensor.name(), tensor.rows(), (int) tensor.cols(), List.of());
  }

  /** Opens a file and maps its tensors; throws if it is not what the format says, or no table. */
  public static SafetensorsTable open(Path file) {
    RegularFile.require(file, "a safetensors file");
    TensorArena arena = TensorArena.open(file.toString());
    SafetensorsTable table = null;
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      String format = in.metadata().getOrDefault("format", "");
      if (format.startsWith("panagrad.")) {
        throw new DataException(
            "%s is a file of this program, %s, and no table; name the data that it was made of"
                .formatted(file, Excerpt.of(format)));
      }
      List<Tensor> tensors = new ArrayList<>();
      for (String tensor : in.names()) {
        tensors.add(in.map(arena, tensor));
      }
      table = new SafetensorsTable(file.toString(), arena, tensors);
      return table;
    } catch (IOException e) {
      throw RegularFile.cannotRead(file.toString(), e);
    } finally {
      if (table == null) {
        arena.close();
      }
    }
  }

  @Override
  protected void read(int index, Selection selection) {
    Tensor tensor = tensors.get(index);
    for (long row = 0; row < tensor.rows(); row++) {
      for (int i = 0; i < selection.count(); i++) {
        selection.set(row, i, tensor.get(row, selection.column(i)));
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
