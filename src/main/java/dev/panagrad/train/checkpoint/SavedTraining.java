package dev.panagrad.train.checkpoint;

import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A training's part of a checkpoint, being read. */
public final class SavedTraining implements AutoCloseable {
  /** What names of the tensors of the model in raw units begin with. */
  public static final String MODEL = "training/model/";

  /** Columns up to which the model is written beside the parameters, with their names. */
  public static final int MOST_COLUMNS = 1_000_000;

  /** Reads a model from a checkpoint's file, from tensors whose names begin with MODEL. */
  @FunctionalInterface
  public interface ModelReader<T> {
    T read(Path file, SafetensorsFile in) throws IOException;
  }

  private final Path file;
  private final SafetensorsFile in;
  private final TensorArena arena = TensorArena.open("resumed training");

  private SavedTraining(Path file, SafetensorsFile in) {
    this.file = file;
    this.in = in;
  }

  /** Opens a checkpoint; it may be damaged, or of another version. */
  static SavedTraining open(Path file) throws IOException {
    SafetensorsFile in = SafetensorsFile.open(file);
    try {
      in.requireIntactHeader();
      Checkpoint.requireVersion(file, in);
      return new SavedTraining(file, in);
    } catch (Throwable e) {
      in.close();
      throw e;
    }
  }

  /** Requires that parameters and state fit an optimizer, and are whole. */
  public void requireFits(Optimizer optimizer) throws IOException {
    Checkpoint.requireFits(optimizer, file, in);
  }

  public void requireFits(Parameters parameters) throws IOException {
    Checkpoint.requireFits(parameters, file, in);
  }

  public void readInto(Optimizer optimizer) throws IOException {
    Checkpoint.read(optimizer, file, in);
  }

  @Override
  public String toString() {
    return "checkpoint '" + file + "'";
  }

  @Override
  public void close() throws IOException {
    arena.close();
    in.close();
  }

  /** Requires that the checkpoint is of the same training; says all that differs. */
  public void requireSame(Map<String, String> identity) throws IOException {
    List<String> differences = new ArrayList<>();
    for (Map.Entry<String, String> needed : identity.entrySet()) {
      String found = in.metadata().get(needed.getKey());
      if (!needed.getValue().equals(found)) {
        differences.add(
            "its %s is %s, and here it is %s"
                .formatted(
                    needed.getKey().replace("training.", ""),
                    found == null ? "missing" : found,
                    needed.getValue()));
      }
    }
    if (!differences.isEmpty()) {
      throw new IOException(
          "%s is of another training: %s".formatted(this, String.join("; ", differences)));
    }
  }

  /** Reads the model that was written beside the parameters. */
  public <T> T model(ModelReader<T> reader) throws IOException {
    if (names(MODEL).isEmpty()) {
      throw new IOException(
          "%s has no model: it is of an earlier release, of a loss of one's own, or of more than %,d columns; go on from a saved model"
              .formatted(this, MOST_COLUMNS));
    }
    return reader.read(file, in);
  }

  /** Requires that the model is whole, if there is one. */
  public void requireIntactModel() throws IOException {
    for (String name : names(MODEL)) {
      in.requireIntact(name);
    }
  }

  public List<String> names(String prefix) {
    return in.names().stream().filter(name -> name.startsWith(prefix)).toList();
  }

  public String text(String key) {
    return in.metadata().get(key);
  }

  public long count(String key) throws IOException {
    String text = in.metadata().get(key);
    if (text == null || !text.matches("[0-9]{1,18}")) {
      throw wrong(key, text, "a count");
    }
    return Long.parseLong(text);
  }

  public double number(String key) throws IOException {
    String text = in.metadata().get(key);
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException | NullPointerException e) {
      throw wrong(key, text, "a number");
    }
  }

  private IOException wrong(String key, String text, String needed) {
    return wrong(
        "metadata '%s' is %s where %s"
            .formatted(key, text == null ? "missing" : "'" + text + "'", needed));
  }

  public double[] vector(String name) throws IOException {
    return tensor(name, DType.F64, -1, 1).toArray();
  }

  /** A tensor of that type and width, whole, in this memory; of any number of rows for -1. */
  public Tensor tensor(String name, DType type, long rows, long cols) throws IOException {
    DType dtype = in.dtype(name);
    Shape shape = in.shape(name);
    if (dtype != type || shape.cols() != cols || (rows >= 0 && shape.rows() != rows)) {
      throw wrong(
          "tensor '%s' is %s %s where %s [%s, %d]"
              .formatted(name, dtype, shape, type, rows < 0 ? "any" : rows, cols));
    }
    return in.read(arena, name);
  }

  public IOException wrong(String found) {
    return new IOException("%s: %s is needed".formatted(this, found));
  }
}
