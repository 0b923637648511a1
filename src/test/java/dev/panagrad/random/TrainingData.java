package dev.panagrad.random;

import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/**
 * Rows of a random training, with targets for its loss.
 *
 * @param weights one per row, or null
 * @param offset one per row, or null
 */
record TrainingData(Dataset dataset, Loss loss, Tensor weights, Tensor offset) {
  static TrainingData of(Choices choices, GuardedMemory memory) {
    DType dtype = choices.floating();
    int rows = choices.oneIn(60) ? 4_200 : choices.oneIn(30) ? 0 : choices.positive(130);
    int features = choices.oneIn(30) ? 0 : choices.positive(9);
    int outputs = choices.oneIn(4) ? 1 + choices.below(4) : 1;
    Loss loss =
        choices.any(
            new Squared(),
            new Squared(),
            new Huber(choices.number(0.1, 1.35, 50)),
            new Logistic(),
            new Poisson(),
            new Quantile(choices.number(0.1, 0.5)));
    Tensor x =
        choices.oneIn(3)
            ? memory.matrix("X", dtype, choices.below(3), rows, features, 1 + choices.below(5))
            : memory.tensor("X", dtype, choices.below(3), choices.coin(), rows, features);
    Tensor y =
        outputs == 1 && choices.coin()
            ? memory.tensor("y", dtype, 0, choices.coin(), rows)
            : choices.oneIn(4)
                ? memory.matrix("y", dtype, 1, rows, outputs, 2)
                : memory.tensor("y", dtype, 1, false, rows, outputs);
    fill(choices, x, y, loss);
    Tensor weights = choices.oneIn(4) ? perRow(choices, memory, "weights", dtype, rows) : null;
    Tensor offset = choices.oneIn(6) ? perRow(choices, memory, "offset", dtype, rows) : null;
    return new TrainingData(Dataset.of(x, y), loss, weights, offset);
  }

  private static void fill(Choices choices, Tensor x, Tensor y, Loss loss) {
    double scale = choices.oneIn(5) ? choices.magnitude(1e-2, 1e2) : 1;
    boolean isConstant = choices.oneIn(12);
    for (long i = 0; i < x.rows(); i++) {
      double plane = 0.3;
      for (long j = 0; j < x.cols(); j++) {
        double value = isConstant && j == 0 ? 3 : scale * choices.gaussian();
        x.set(i, j, value);
        plane += value * (j % 2 == 0 ? 0.5 : -0.3) / scale;
      }
      for (long j = 0; j < y.cols(); j++) {
        double noisy = plane + choices.gaussian() / 4;
        y.set(i, j, target(loss, noisy));
      }
    }
    boolean isWild = choices.oneIn(15) && x.count() > 0;
    if (isWild) {
      Tensor t = y.count() > 0 && choices.coin() ? y : x;
      double value = choices.number(Double.NaN, Double.POSITIVE_INFINITY, -1, 1e30, 0.5);
      t.set(choices.below(t.count()), value);
    }
  }

  private static double target(Loss loss, double noisy) {
    return switch (loss) {
      case Logistic _ -> noisy > 0.3 ? 1 : 0;
      case Poisson _ -> Math.rint(Math.exp(Math.clamp(noisy, -3, 3)));
      default -> noisy;
    };
  }

  /** Numbers in every form that the documentation allows, and some that it does not. */
  private static Tensor perRow(
      Choices choices, GuardedMemory memory, String name, DType dtype, long rows) {
    DType type = choices.oneIn(3) ? choices.any(DType.F32, DType.F64, DType.I64) : dtype;
    Tensor t =
        switch (choices.below(8)) {
          case 0 -> memory.tensor(name, type, 0, true, rows, 1);
          case 1 -> memory.tensor(name, type, 0, true, 1, rows);
          case 2 -> memory.matrix(name, type, 0, rows, 1, 3);
          case 3 -> memory.tensor(name, type, 0, false, rows + 1);
          default -> memory.tensor(name, type, choices.below(3), choices.coin(), rows);
        };
    boolean isWild = choices.oneIn(12) && type.isFloating() && t.count() > 0;
    for (long i = 0; i < t.count(); i++) {
      t.set(i, name.equals("weights") ? choices.below(3) : type.isFloating() ? 0.2 : 0);
    }
    if (isWild) {
      t.set(
          choices.below(t.count()), choices.number(-1, Double.NaN, Double.POSITIVE_INFINITY, 1e38));
    }
    return t;
  }
}
