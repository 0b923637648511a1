package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Data, parameters, and room for what a gradient writes. */
final class EquationProblem {
  final Tensor x;
  final Tensor y;
  final Tensor w;
  final Tensor b;
  final Tensor gw;
  final Tensor gb;
  final Tensor loss;

  EquationProblem(TensorArena arena, DType dtype, int n, int d, int k, boolean hasIntercept) {
    x = arena.allocate("X", dtype, n, d);
    y = arena.allocate("y", dtype, n, k);
    w = arena.allocate("w", dtype, k, d);
    b = hasIntercept ? arena.allocate("b", dtype, k) : null;
    gw = arena.allocate("gw", dtype, k, d);
    gb = hasIntercept ? arena.allocate("gb", dtype, k) : null;
    loss = arena.allocate("loss", DType.F64, k);
  }

  /** Columns with means of up to 5 deviations, a line in noise, and parameters somewhere. */
  EquationProblem randomize(long seed) {
    Random random = new Random(seed);
    for (int f = 0; f < x.cols(); f++) {
      double mean = 10 * random.nextDouble() - 5;
      for (int i = 0; i < x.rows(); i++) {
        x.set(i, f, mean + random.nextGaussian());
      }
    }
    for (int i = 0; i < y.rows(); i++) {
      for (int j = 0; j < y.cols(); j++) {
        y.set(i, j, x.get(i, 0) - 7 * j + random.nextGaussian());
      }
    }
    for (Tensor t : b == null ? List.of(w) : List.of(w, b)) {
      for (int i = 0; i < t.count(); i++) {
        t.set(i, random.nextGaussian());
      }
    }
    return this;
  }

  NormalEquations equations(Backend backend, TensorArena arena) {
    return NormalEquations.of(backend, arena, x, y, b != null);
  }

  void byEquations(NormalEquations equations) {
    equations.gradient(new Linear(w, b), new Gradient(gw, gb, loss));
  }

  void byRows(Backend backend) {
    backend
        .linear()
        .gradient(new DenseRows(x, y), new Squared(), new Linear(w, b), new Gradient(gw, gb, loss));
  }

  /** All that a gradient writes. */
  double[] written() {
    List<Double> values = new ArrayList<>();
    for (Tensor t : gb == null ? List.of(gw, loss) : List.of(gw, gb, loss)) {
      for (double value : t.toArray()) {
        values.add(value);
      }
    }
    return values.stream().mapToDouble(value -> value).toArray();
  }
}
