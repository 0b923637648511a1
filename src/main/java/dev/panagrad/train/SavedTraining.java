package dev.panagrad.train;

import dev.panagrad.loss.Squared;
import dev.panagrad.safetensors.SafetensorsException;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A training's part of a checkpoint, being read. */
final class SavedTraining implements AutoCloseable {
  /** What checkpoints mean that were written before there were such options. */
  private static final Map<String, String> ABSENT =
      Map.of(
          "training.loss", new Squared().toString(),
          "training.weights", TrainingRows.NONE,
          "training.offset", TrainingRows.NONE,
          "training.class weights", TrainingRows.NONE,
          "training.batches per step", "1",
          "training.rate reduction", TrainingRows.NONE,
          "training.variance reduction", "false",
          "training.method", TrainingRows.NONE);

  private final Path file;
  private final SafetensorsFile in;
  private final TensorArena arena;

  private SavedTraining(Path file, SafetensorsFile in, TensorArena arena) {
    this.file = file;
    this.in = in;
    this.arena = arena;
  }

  /**
   * Opens it.
   *
   * @param arena of the tensors
   * @throws IOException if it is damaged
   */
  static SavedTraining open(Path file, TensorArena arena) throws IOException {
    SafetensorsFile in = SafetensorsFile.open(file);
    try {
      in.requireIntactHeader();
    } catch (SafetensorsException e) {
      in.close();
      throw e;
    }
    return new SavedTraining(file, in, arena);
  }

  @Override
  public String toString() {
    return "checkpoint '" + file + "'";
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  /** Requires that the checkpoint is of the same training; says all that differs. */
  void requireSame(Map<String, String> identity) throws IOException {
    List<String> differences = new ArrayList<>();
    for (Map.Entry<String, String> needed : identity.entrySet()) {
      String found = in.metadata().getOrDefault(needed.getKey(), ABSENT.get(needed.getKey()));
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

  /** The tensors whose names begin so. */
  List<String> names(String prefix) {
    return in.names().stream().filter(name -> name.startsWith(prefix)).toList();
  }

  /** A text, or null. */
  String text(String key) {
    return in.metadata().get(key);
  }

  long count(String key) throws IOException {
    String text = in.metadata().get(key);
    if (text == null || !text.matches("[0-9]{1,18}")) {
      throw wrong(key, text, "a count");
    }
    return Long.parseLong(text);
  }

  double number(String key) throws IOException {
    String text = in.metadata().get(key);
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException | NullPointerException e) {
      throw wrong(key, text, "a number");
    }
  }

  private IOException wrong(String key, String text, String needed) {
    return new IOException(
        "checkpoint '%s': metadata '%s' is %s where %s is needed"
            .formatted(file, key, text == null ? "missing" : "'" + text + "'", needed));
  }

  /** Reads a tensor into memory of its type and shape. */
  void read(String name, Tensor into) throws IOException {
    DType dtype = in.dtype(name);
    Shape shape = in.shape(name);
    if (dtype != into.dtype() || !shape.equals(into.shape())) {
      throw new IOException(
          "checkpoint '%s': tensor '%s' is %s %s where %s %s is needed"
              .formatted(file, name, dtype, shape, into.dtype(), into.shape()));
    }
    in.read(name, into);
  }

  /**
   * A tensor, whole.
   *
   * @param rows how many it has, or -1
   */
  Tensor tensor(String name, long rows, long cols) throws IOException {
    DType dtype = in.dtype(name);
    Shape shape = in.shape(name);
    if (dtype != DType.F64 || shape.cols() != cols || (rows >= 0 && shape.rows() != rows)) {
      throw new IOException(
          "checkpoint '%s': tensor '%s' is %s %s where F64 [%s, %d] is needed"
              .formatted(file, name, dtype, shape, rows < 0 ? "any" : rows, cols));
    }
    return in.read(arena, name);
  }
}
