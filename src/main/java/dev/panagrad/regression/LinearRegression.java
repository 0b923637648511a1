package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.loss.RowLoss;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * The parameters of a linear model, {@code Y = X W^T + b}, with their gradient and loss.
 *
 * <p>W is [outputs, features] and b is [outputs]. The loss is the mean squared error of each
 * output; the gradient is {@code (2/n) sum_i r_i x_i} with the residual {@code r_i = W x_i + b -
 * y_i}, over the n rows of the batch.
 *
 * <p>Ownership: parameters, gradient and loss belong to the arena. Threading: one thread at a time.
 */
public final class LinearRegression {
  /** The name of W among the parameters. */
  public static final String WEIGHTS = "weights";

  private static final String INTERCEPT = "intercept";

  private final LinearKernels linear;
  private final Parameters parameters;
  private final Parameters gradient;
  private final Tensor loss;
  private final Tensor w;
  private final Tensor b;
  private final Tensor gw;
  private final Tensor gb;

  /** Null for the squared error. */
  private RowLoss rowLoss;

  /**
   * Allocates a model with all parameters zero.
   *
   * @param features d, at least 1
   * @param outputs k, at least 1
   * @param hasIntercept whether there is a b; penalties never apply to it
   */
  public LinearRegression(
      Backend backend,
      TensorArena arena,
      DType dtype,
      long features,
      long outputs,
      boolean hasIntercept) {
    if (features < 1 || outputs < 1) {
      throw new IllegalArgumentException(
          "a linear model needs at least 1 feature and 1 output, found "
              + features
              + " and "
              + outputs);
    }
    Parameters.Layout layout = Parameters.layout().add(WEIGHTS, outputs, features);
    if (hasIntercept) {
      layout.addExempt(INTERCEPT, outputs);
    }
    this.linear = backend.linear();
    this.parameters = allocate(layout, backend, arena, "parameters", dtype);
    this.gradient = allocate(layout, backend, arena, "gradient", dtype);
    this.loss = backend.allocate(arena, "loss", DType.F64, Shape.of(outputs));
    this.w = parameters.view(WEIGHTS);
    this.gw = gradient.view(WEIGHTS).named("gradient of weights");
    this.b = hasIntercept ? parameters.view(INTERCEPT) : null;
    this.gb = hasIntercept ? gradient.view(INTERCEPT).named("gradient of intercept") : null;
  }

  private static Parameters allocate(
      Parameters.Layout layout, Backend backend, TensorArena arena, String name, DType dtype) {
    return layout.over(backend.allocate(arena, name, dtype, Shape.of(layout.count(dtype))));
  }

  /** From now on gradients are of that loss; of the squared error if null. */
  public void use(RowLoss newLoss) {
    rowLoss = newLoss;
  }

  /** The loss that gradients are of; null for the squared error. */
  public RowLoss rowLoss() {
    return rowLoss;
  }

  /** The trainable parameters: "weights" and, if there is one, "intercept". */
  public Parameters parameters() {
    return parameters;
  }

  /** The last gradient, in the parameters' layout. */
  public Parameters gradient() {
    return gradient;
  }

  /** W [outputs, features]. */
  public Tensor weights() {
    return w;
  }

  /** b [outputs], or null. */
  public Tensor intercept() {
    return b;
  }

  /** The mean squared error of each output [outputs], F64, of the last {@link #computeGradient}. */
  public Tensor loss() {
    return loss;
  }

  /**
   * Computes gradient and loss on a batch: {@code count} positions from {@code first}, of {@code
   * index} or of the rows.
   *
   * @param index rows, I64, or null
   */
  public void computeGradient(Tensor x, Tensor y, Tensor index, long first, long count) {
    computeGradient(x, y, index, first, count, loss);
  }

  /**
   * Computes gradient and loss on a batch, the loss into a tensor of the caller.
   *
   * @param into [outputs], F64, where the backend computes
   */
  public void computeGradient(
      Tensor x, Tensor y, Tensor index, long first, long count, Tensor into) {
    if (rowLoss == null) {
      linear.gradient(x, y, index, first, count, w, b, gw, gb, into);
    } else {
      linear.gradient(rowLoss, x, y, index, first, count, w, b, gw, gb, into);
    }
  }

  /** Computes gradient and loss on all rows. */
  public void computeGradient(Tensor x, Tensor y) {
    computeGradient(x, y, null, 0, x.rows());
  }

  /**
   * Computes gradient and loss on the rows that the normal equations were summed over, without
   * reading them.
   */
  public void computeGradient(NormalEquations equations) {
    computeGradient(equations, loss);
  }

  /** {@link #computeGradient(NormalEquations)} with the loss into a tensor of the caller. */
  public void computeGradient(NormalEquations equations, Tensor into) {
    equations.gradient(w, b, gw, gb, into);
  }

  /** Predictions for {@code count} rows of X into {@code out} [count, outputs]. */
  public void predict(Tensor x, long first, long count, Tensor out) {
    linear.predict(x, first, count, w, b, out);
  }
}
