package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.tensor.cell.Cells;

/**
 * Where rows of a caller go before a gradient reads them: one buffer in host memory, written
 * standardized, and its copy where the backend computes, if that is elsewhere.
 *
 * <p>Ownership: memory belongs to the arena. Threading: one thread at a time.
 */
final class StagedRows {
  private final Backend backend;
  private final Standardization standardization;
  private final Tensor x;
  private final Tensor y;
  private final Tensor placedX;
  private final Tensor placedY;
  private final Batch placed;
  private final Tensor oneX; // views of the first row, so that staging one row allocates nothing
  private final Tensor oneY;
  private final Tensor placedOneX;
  private final Tensor placedOneY;

  /** Buffers for that many rows, to be standardized if that is not null. */
  StagedRows(
      Backend backend,
      TensorArena arena,
      DType dtype,
      long rows,
      int features,
      int targets,
      Standardization standardization) {
    this.backend = backend;
    this.standardization = standardization;
    x = arena.allocate("staged features", dtype, rows, features);
    y = arena.allocate("staged targets", dtype, rows, targets);
    placedX = backend.place(arena, x);
    placedY = backend.place(arena, y);
    placed = new Batch(placedX, placedY);
    oneX = x.rows(0, 1);
    oneY = y.rows(0, 1);
    placedOneX = placedX.rows(0, 1);
    placedOneY = placedY.rows(0, 1);
  }

  Batch batch() {
    return placed;
  }

  void requireUsable() {
    x.requireUsable();
  }

  /** Stages one row, and returns the sum of the squares of its targets, as staged. */
  double stage(double[] row, double[] targets) {
    for (int f = 0; f < row.length; f++) {
      Cells.set(x, f, feature(row[f], f));
    }
    double squares = 0;
    for (int j = 0; j < targets.length; j++) {
      double value = target(targets[j], j);
      Cells.set(y, j, value);
      squares += value * value;
    }
    if (placedX != x) {
      backend.copy(oneX, placedOneX);
      backend.copy(oneY, placedOneY);
    }
    return squares;
  }

  /** Stages no more rows than fit, and returns the mean of that sum over them. */
  double stage(DenseRows batch) {
    long rows = batch.x().rows();
    int features = Math.toIntExact(x.cols());
    for (long i = 0; i < rows; i++) {
      for (int f = 0; f < features; f++) {
        Cells.set(
            x, i * features + f, feature(Cells.get(batch.x(), i * batch.x().rowStride() + f), f));
      }
    }
    int targets = Math.toIntExact(y.cols());
    double squares = 0;
    for (long i = 0; i < rows; i++) {
      for (int j = 0; j < targets; j++) {
        double value = target(Cells.get(batch.y(), i * batch.y().rowStride() + j), j);
        Cells.set(y, i * targets + j, value);
        squares += value * value;
      }
    }
    if (placedX != x) {
      backend.copy(x.rows(0, rows), placedX.rows(0, rows));
      backend.copy(y.rows(0, rows), placedY.rows(0, rows));
    }
    return squares / rows;
  }

  /** That mean for a batch that is not staged. */
  static double squares(Tensor targets) {
    double squares = 0;
    for (long i = 0; i < targets.rows(); i++) {
      for (long j = 0; j < targets.cols(); j++) {
        double value = Cells.get(targets, i * targets.rowStride() + j);
        squares += value * value;
      }
    }
    return squares / targets.rows();
  }

  private double feature(double value, int f) {
    return standardization == null ? value : standardization.standardizedFeature(value, f);
  }

  private double target(double value, int j) {
    return standardization == null ? value : standardization.standardizedTarget(value, j);
  }
}
