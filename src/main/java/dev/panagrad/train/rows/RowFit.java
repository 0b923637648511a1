package dev.panagrad.train.rows;

import dev.panagrad.backend.Backend;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/** A regression and the rows that it is fitted to, with the loss over them. */
public record RowFit(
    Backend backend,
    TensorArena arena,
    TrainingRows rows,
    TrainingLoss loss,
    LinearRegression regression,
    GradientParts parts) {
  public static RowFit of(
      Backend backend,
      TensorArena arena,
      TrainingRows rows,
      TrainingLoss loss,
      boolean hasIntercept) {
    LinearRegression regression =
        new LinearRegression(
            backend,
            arena,
            rows.data().x().dtype(),
            rows.data().features().size(),
            rows.data().targets().size(),
            hasIntercept);
    regression.use(loss.loss());
    Tensor gradient = regression.gradient().flat();
    return new RowFit(
        backend, arena, rows, loss, regression, new GradientParts(backend, arena, gradient));
  }

  public boolean hasIntercept() {
    return regression.intercept() != null;
  }

  public int outputs() {
    return rows.data().targets().size();
  }

  public LossLog newLossLog(boolean isAwaited) {
    return new LossLog(backend, arena, regression, isAwaited);
  }

  /** A tensor, or its copy in host memory; null for null. */
  public Tensor onHost(Tensor t) {
    if (t == null || t.isHost()) {
      return t;
    }
    Tensor host = arena.allocate(t.name(), t.dtype(), t.shape());
    backend.copy(t, host);
    return host;
  }

  public Tensor newVector(String name) {
    Tensor flat = regression.parameters().flat();
    return backend.allocate(arena, name, flat.dtype(), flat.shape());
  }
}
