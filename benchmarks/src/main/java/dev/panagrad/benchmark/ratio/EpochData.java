package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * What an epoch trains on, and the weights after one epoch of Adam in double precision.
 *
 * @param x features, F32
 * @param y targets, one per row
 * @param order row numbers, I64, or null for rows in order
 * @param batch rows per step; the last step of an epoch has what is left
 * @param trained the weights after one epoch from the start
 */
record EpochData(Tensor x, Tensor y, Tensor order, long batch, double[] trained) {
  private static final long WEIGHT_SEED = 3;

  /**
   * The largest error seen is 1.7e-6, ours and PyTorch's. The last step alone moves most weights by
   * more than ten times this.
   */
  private static final double TOLERANCE = 1e-5;

  static EpochData of(
      TensorArena memory, long rows, long features, long batch, boolean isShuffled) {
    Tensor x = RandomValues.tensor(memory, "X", 1, rows, features);
    Tensor y = RandomValues.tensor(memory, "y", 2, rows);
    Tensor order = isShuffled ? order(memory, rows) : null;
    double[] trained = new EpochReference(x, y, order, batch).train(start(features));
    return new EpochData(x, y, order, batch, trained);
  }

  private static Tensor order(TensorArena memory, long rows) {
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      numbers.add(i);
    }
    Collections.shuffle(numbers, new Random(4));
    Tensor order = memory.allocate("order", DType.I64, rows);
    for (int i = 0; i < rows; i++) {
      order.setLong(i, numbers.get(i));
    }
    return order;
  }

  private static double[] start(long features) {
    double[] weights = new double[Math.toIntExact(features)];
    for (int f = 0; f < weights.length; f++) {
      weights[f] = RandomValues.at(WEIGHT_SEED, f);
    }
    return weights;
  }

  /** Weights as they were before the first epoch, and zero state. */
  void reset(Tensor weights, List<Tensor> state) {
    RandomValues.fill(weights, WEIGHT_SEED);
    for (Tensor slot : state) {
      slot.fill(0);
    }
  }

  /** Compares with the weights after one epoch. */
  Optional<String> disagreement(Tensor weights) {
    for (int f = 0; f < trained.length; f++) {
      double found = weights.get(f);
      // Negated, so that NaN is a disagreement.
      if (!(Math.abs(found - trained[f]) <= TOLERANCE)) {
        return Optional.of("weight %d is %.9g, expected %.9g".formatted(f, found, trained[f]));
      }
    }
    return Optional.empty();
  }
}
