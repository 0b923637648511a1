package dev.panagrad.random;

import dev.panagrad.tensor.Tensor;

/** Calls on vectors, with the bounds that LinearConformanceTest derives. */
final class VectorCalls {
  private VectorCalls() {}

  static KernelCall of(KernelOperands operands, int most) {
    long count = operands.choices.size(most);
    return switch (operands.choices.below(6)) {
      case 0 -> dot(operands, count);
      case 1 -> update(operands, count, true);
      case 2 -> update(operands, count, false);
      case 3 -> norm(operands, count, true);
      case 4 -> norm(operands, count, false);
      default -> finite(operands, count);
    };
  }

  private static KernelCall dot(KernelOperands operands, long count) {
    Tensor x = operands.vector("x", count);
    Tensor y = operands.vector("y", count);
    return new KernelCall(
        "dot(%s, %s)".formatted(x, y),
        operands.outputs(),
        linear -> linear.dot(x, y),
        found -> {
          double sum = 0;
          double magnitudes = 0;
          for (long i = 0; i < count; i++) {
            sum += x.get(i) * y.get(i);
            magnitudes += Math.abs(x.get(i) * y.get(i));
          }
          double bound = (count + 8) * KernelCall.roundoff(x) * magnitudes;
          KernelCall.near("dot", sum, (double) found, bound);
        });
  }

  private static KernelCall update(KernelOperands operands, long count, boolean isSum) {
    double factor = isSum ? operands.factor() : operands.choices.number(0.25, 0.5, 0.75);
    Tensor x = operands.vector("x", count);
    Tensor y = operands.outputVector("y", operands.dtype, count);
    double[] before = KernelOperands.readable(y) ? y.toArray() : null;
    return new KernelCall(
        "%s(%s, %s, %s)".formatted(isSum ? "axpy" : "lerp", factor, x, y),
        operands.outputs(),
        linear -> {
          if (isSum) {
            linear.axpy(factor, x, y);
          } else {
            linear.lerp(factor, x, y);
          }
          return null;
        },
        _ -> {
          for (int i = 0; i < count; i++) {
            double term = factor * (isSum ? x.get(i) : x.get(i) - before[i]);
            double largest = Math.abs(before[i]) + Math.abs(x.get(i)) * Math.max(1, factor);
            double bound = 4 * KernelCall.roundoff(x) * largest;
            KernelCall.near("element", i, 0, before[i] + term, y.get(i), bound);
          }
        });
  }

  private static KernelCall norm(KernelOperands operands, long count, boolean isEuclidean) {
    Tensor x = operands.ofAnyLength().alone().vector("x", count);
    return new KernelCall(
        "%s(%s)".formatted(isEuclidean ? "norm2" : "norm1", x),
        operands.outputs(),
        linear -> isEuclidean ? linear.norm2(x) : linear.norm1(x),
        found -> {
          double sum = 0;
          for (long i = 0; i < count; i++) {
            sum += isEuclidean ? x.get(i) * x.get(i) : Math.abs(x.get(i));
          }
          double norm = isEuclidean ? Math.sqrt(sum) : sum;
          double bound = (count + 8) * KernelCall.roundoff(x) * norm;
          KernelCall.near("norm", norm, (double) found, bound);
        });
  }

  private static KernelCall finite(KernelOperands operands, long count) {
    Tensor x = operands.ofAnyLength().alone().vector("x", count);
    return new KernelCall(
        "isFinite(%s)".formatted(x),
        operands.outputs(),
        linear -> linear.isFinite(x),
        found -> KernelCall.near("finite", 1, (boolean) found ? 1 : 0, 0));
  }
}
