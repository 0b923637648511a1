package dev.panagrad.data.safetensors;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.file.ArrayColumns;
import dev.panagrad.data.file.CheckedCells;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A safetensors file whose tensors, F32, F64 or I64, have the same number of rows.
 *
 * <p>A vector or a matrix of one column gives the column NAME, a matrix of d columns NAME1 to
 * NAMEd; a single tensor has the columns "1", "2", and so on. Integers of more than 53 bits are
 * rounded to the nearest double.
 *
 * <p>Ownership: tensors are mapped until {@link #close}; the file must not be made shorter
 * meanwhile, which ends the process that reads it.
 */
public final class SafetensorsTable implements Table {
  private final String name;
  private final TensorArena arena;
  private final List<Tensor> tensors;
  private final ArrayColumns columns;

  private SafetensorsTable(String name, TensorArena arena, List<Tensor> tensors) {
    this.name = name;
    this.arena = arena;
    this.tensors = tensors;
    columns = new ArrayColumns(name, tensors.stream().map(t -> member(name, t)).toList());
  }

  private static ArrayColumns.Member member(String file, Tensor tensor) {
    if (tensor.shape().rank() > 2) {
      throw new DataException(
          "%s: tensor '%s' of shape %s is no table; save it as [rows, columns]"
              .formatted(file, tensor.name(), tensor.shape()));
    }
    if (tensor.count() == 0) {
      throw new DataException(
          "%s: tensor '%s' of shape %s has no %s"
              .formatted(
                  file, tensor.name(), tensor.shape(), tensor.rows() == 0 ? "rows" : "columns"));
    }
    if (tensor.cols() > ArrayColumns.MAX_COLUMNS) {
      throw new DataException(
          "%s: tensor '%s' has %,d columns; at most %,d are read"
              .formatted(file, tensor.name(), tensor.cols(), ArrayColumns.MAX_COLUMNS));
    }
    return new ArrayColumns.Member(tensor.name(), tensor.rows(), (int) tensor.cols(), List.of());
  }

  /**
   * Opens a file and maps its tensors.
   *
   * @throws DataException if it cannot be read, is not what the format says, or no table
   */
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
  public String name() {
    return name;
  }

  @Override
  public List<String> columns() {
    return columns.names();
  }

  @Override
  public boolean hasNames() {
    return columns.hasNames();
  }

  @Override
  public long rows() {
    return columns.rows();
  }

  @Override
  public void read(int[] selected, DType dtype, Cells into) {
    CheckedCells cells = new CheckedCells(name, columns(), rows(), dtype, into);
    List<ArrayColumns.Selection> selections = columns.selections(selected);
    for (int t = 0; t < tensors.size(); t++) {
      Tensor tensor = tensors.get(t);
      ArrayColumns.Selection selection = selections.get(t);
      for (long row = 0; selection.count() > 0 && row < tensor.rows(); row++) {
        for (int i = 0; i < selection.count(); i++) {
          int column = selection.column(i);
          double value = tensor.get(row, column);
          cells.set(row, columns.first(t) + column, selection.selected(i), value);
        }
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
