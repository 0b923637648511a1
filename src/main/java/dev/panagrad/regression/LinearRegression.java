package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Objects;

/**
 * Holds the parameters of a linear model, {@code Y = X W^T + b}, their gradient and loss.
 *
 * <p>W is [outputs, features] and b is [outputs]. Gradient and loss are means over the rows of a
 * batch, for each output: of the squared error, unless another loss is {@linkplain #use in use}.
 *
 * <p>Ownership: parameters, gradient and loss belong to the arena. Threading: one thread at a time.
 */
public final class LinearRegression {
  /** W has this name among the parameters. */
  public static final String WEIGHTS = "weights";

  private static final String INTERCEPT = "intercept";

  private final LinearAlgebra linear;
  private final Parameters parameters;
  private final Parameters gradient;
  private final Linear model;
  private final Gradient own;
  private Loss lossInUse = new Squared();

  /** Allocates a model of zeros, of at least 1 feature and 1 output; b has no penalty. */
  public LinearRegression(
      Backend backend,
      TensorArena arena,
      DType dtype,
      long features,
      long outputs,
      boolean hasIntercept) {
    if (features < 1 || outputs < 1) {
      throw new IllegalArgumentException(
          "a linear model needs at least 1 feature and 1 output, found %d and %d"
              .formatted(features, outputs));
    }
    Parameters.Layout layout = Parameters.layout().add(WEIGHTS, outputs, features);
    if (hasIntercept) {
      layout.addExempt(INTERCEPT, outputs);
    }
    this.linear = backend.linear();
    this.parameters = allocate(layout, backend, arena, "parameters", dtype);
    this.gradient = allocate(layout, backend, arena, "gradient", dtype);
    model = new Linear(parameters.view(WEIGHTS), hasIntercept ? parameters.view(INTERCEPT) : null);
    own =
        new Gradient(
            gradient.view(WEIGHTS).named("gradient of weights"),
            hasIntercept ? gradient.view(INTERCEPT).named("gradient of intercept") : null,
            backend.allocate(arena, "loss", DType.F64, Shape.of(outputs)));
  }

  private static Parameters allocate(
      Parameters.Layout layout, Backend backend, TensorArena arena, String name, DType dtype) {
    return layout.over(backend.allocate(arena, name, dtype, Shape.of(layout.count(dtype))));
  }

  /** Makes gradients those of that loss from now on. */
  public void use(Loss newLoss) {
    lossInUse = Objects.requireNonNull(newLoss, "loss");
  }

  /** Returns the trainable parameters: "weights" and, if there is one, "intercept". */
  public Parameters parameters() {
    return parameters;
  }

  /** Returns the last gradient, in the parameters' layout. */
  public Parameters gradient() {
    return gradient;
  }

  public Linear model() {
    return model;
  }

  /** Returns W [outputs, features]. */
  public Tensor weights() {
    return model.w();
  }

  /** Returns b [outputs], or null. */
  public Tensor intercept() {
    return model.b();
  }

  /** Returns the mean loss of each output [outputs], F64, of the last {@link #computeGradient}. */
  public Tensor loss() {
    return own.loss();
  }

  /**
   * Returns the gradient with its loss in a tensor of the caller, F64 [outputs], for {@link
   * #computeGradient(Batch, long, long, Gradient)}. It is made once and used for many steps.
   */
  public Gradient withLossIn(Tensor loss) {
    return new Gradient(own.gw(), own.gb(), loss);
  }

  /** Computes gradient and loss on {@code count} positions of a batch from {@code first}. */
  public void computeGradient(Batch batch, long first, long count) {
    computeGradient(batch, first, count, own);
  }

  /** Computes gradient and loss of positions of a batch, the loss as {@link #withLossIn} said. */
  public void computeGradient(Batch batch, long first, long count, Gradient into) {
    linear.gradient(batch, first, count, lossInUse, model, into);
  }

  /** Computes gradient and loss on all rows, which it checks at each call. */
  public void computeGradient(Tensor x, Tensor y) {
    computeGradient(new Batch(x, y), 0, x.rows());
  }

  /** Writes predictions for {@code count} rows of X into {@code out} [count, outputs]. */
  public void predict(Tensor x, long first, long count, Tensor out) {
    linear.predict(x, first, count, model, out);
  }
}
