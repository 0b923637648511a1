package dev.panagrad.random;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/** Predictions and gradients of linear models. */
final class GradientCalls {
  private GradientCalls() {}

  static KernelCall of(KernelOperands operands, int mostRows, int mostFeatures) {
    return operands.choices.oneIn(3)
        ? predict(operands, mostRows, mostFeatures)
        : gradient(operands, mostRows, mostFeatures);
  }

  private static int outputs(Choices choices) {
    return choices.oneIn(3) ? choices.any(2, 3, 4, 5, 8, 63, 64, 70) : 1;
  }

  private static KernelCall predict(KernelOperands operands, int mostRows, int mostFeatures) {
    Choices choices = operands.choices;
    int n = choices.size(mostRows);
    int d = choices.size(mostFeatures);
    int k = outputs(choices);
    long first = choices.near(n);
    long count = choices.oneIn(8) ? choices.near(n) : Math.max(0, n - Math.max(0, first));
    boolean isInside = first >= 0 && count >= 0 && first <= n - count;
    Tensor x = operands.ofAnyLength().matrix("X", n, d);
    Tensor w = operands.contiguous("w", k, d);
    Tensor b = choices.coin() ? operands.vector("b", k) : null;
    long rows = isInside ? count : 1;
    Tensor out =
        k == 1 && choices.coin()
            ? operands.outputMatrix("out", false, rows)
            : operands.outputMatrix("out", false, rows, k);
    if (!isInside) {
      operands.refuse("rows outside");
    }
    return new KernelCall(
        "predict(%s, %d, %d, %s, %s, %s)".formatted(x, first, count, w, b, out),
        operands.outputs(),
        linear -> {
          linear.predict(x, first, count, new Linear(w, b), out);
          return null;
        },
        _ -> {
          for (int i = 0; i < count; i++) {
            for (int j = 0; j < k; j++) {
              double sum = b == null ? 0 : b.get(j);
              double magnitudes = Math.abs(sum);
              for (int f = 0; f < d; f++) {
                double product = x.get(first + i, f) * w.get(j, f);
                sum += product;
                magnitudes += Math.abs(product);
              }
              double bound = (d + 8) * KernelCall.roundoff(x) * magnitudes;
              KernelCall.near("out", i, j, sum, out.get(i, j), bound);
            }
          }
        });
  }

  private static Loss loss(Choices choices) {
    return choices.any(
        new Squared(),
        new Squared(),
        new Huber(0.7),
        new Logistic(),
        new Poisson(),
        new Quantile(0.3));
  }

  private static KernelCall gradient(KernelOperands operands, int mostRows, int mostFeatures) {
    Choices choices = operands.choices;
    int n = choices.size(mostRows);
    int d = choices.size(mostFeatures);
    int k = outputs(choices);
    Loss loss = loss(choices);
    GradientInputs in = inputs(operands, n, d, k, choices.size(mostRows));
    long positions = in.index() == null ? n : in.index().count();
    long first = choices.oneIn(3) ? choices.near(positions) : 0;
    long count = choices.oneIn(8) ? choices.near(positions) : positions - Math.max(0, first);
    boolean hasOwn = (in.b() == null) == choices.oneIn(30);
    Tensor gw = operands.outputMatrix("gw", true, k, d);
    Tensor gb = hasOwn ? operands.outputVector("gb", operands.dtype, k) : null;
    Tensor losses = choices.coin() ? operands.outputVector("loss", DType.F64, k) : null;
    if (hasOwn == (in.b() == null) || count < 1 || first < 0 || first > positions - count) {
      operands.refuse("intercepts or range do not fit");
    } else if (in.index() != null && operands.refusal() == null && choices.oneIn(6)) {
      long wrong = choices.any(-1L, (long) n, Long.MAX_VALUE, Long.MIN_VALUE);
      if (!in.index().isReadOnly()) {
        in.index().setLong(first + choices.below(count), wrong);
        operands.missRow();
      }
    }
    GradientOracle oracle = new GradientOracle(in, first, count, loss);
    boolean isWhole = in.index() == null && first == 0 && count == n && choices.coin();
    return new KernelCall(
        "gradient of %s: %s [%d, + %d), %s, %s, %s"
            .formatted(loss, in, first, count, gw, gb, losses),
        operands.outputs(),
        linear -> {
          Gradient into = new Gradient(gw, gb, losses);
          if (isWhole) {
            linear.gradient(in.rows(), loss, in.model(), into);
          } else {
            Batch batch = new Batch(in.rows(), in.index());
            linear.gradient(batch, first, count, loss, in.model(), into);
          }
          return null;
        },
        _ -> oracle.verify(gw, gb, losses));
  }

  private static GradientInputs inputs(
      KernelOperands operands, int n, int d, int k, int positions) {
    Choices choices = operands.choices;
    return new GradientInputs(
        operands.matrix("X", n, d),
        k == 1 && choices.coin() ? operands.target(n) : operands.matrix("y", n, k),
        choices.oneIn(4) ? operands.vector("weights", n) : null,
        choices.oneIn(6) ? operands.vector("offset", n) : null,
        choices.oneIn(3) ? operands.ofAnyLength().index(positions, n) : null,
        operands.contiguous("w", k, d),
        choices.coin() ? operands.vector("b", k) : null);
  }
}
