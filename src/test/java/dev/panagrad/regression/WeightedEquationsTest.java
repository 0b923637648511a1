package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Normal equations of rows with weights. */
class WeightedEquationsTest {
  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.host(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  /**
   * A row of weight m is m rows, and one of weight 0 none, of whatever. Twice the bound of the
   * repeated rows: weights have {@code gamma_(2 n + 2 d + 20)}, and there are at least twice as
   * many rows, which is at most twice as much; the products with the mean weight u are below the
   * bound's rounding of the gradient.
   */
  @Test
  void areRepetitions() {
    int n = 1100;
    int[] numbers =
        IntStream.range(0, n).flatMap(i -> IntStream.range(0, i % 5).map(_ -> i)).toArray();
    double mean = numbers.length / (double) n;
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (boolean hasIntercept : new boolean[] {true, false}) {
        try (TensorArena arena = TensorArena.open("weights")) {
          EquationProblem p = new EquationProblem(arena, dtype, n, 3, 2, hasIntercept).randomize(4);
          EquationProblem repeated =
              new EquationProblem(arena, dtype, numbers.length, 3, 2, hasIntercept);
          Tensor weights = arena.allocate("weights", dtype, n);
          for (int i = 0; i < numbers.length; i++) {
            repeated.x.rows(i, 1).copyFrom(p.x.rows(numbers[i], 1));
            repeated.y.rows(i, 1).copyFrom(p.y.rows(numbers[i], 1));
            weights.set(numbers[i], numbers[i] % 5);
          }
          repeated.w.copyFrom(p.w);
          if (hasIntercept) {
            repeated.b.copyFrom(p.b);
          }
          NormalEquationsTest.Exact exact = new NormalEquationsTest.Exact(repeated);
          double[] bounds = Arrays.stream(exact.byEquations).map(e -> 2 * e).toArray();
          for (int i = 0; i < n; i += 5) {
            p.x.rows(i, 1).fill(Double.NaN);
          }
          Batch batch = new Batch(new DenseRows(p.x, p.y, weights, null));
          for (Backend backend : backends) {
            p.byEquations(NormalEquations.of(backend, arena, batch, 0, n, hasIntercept));
            double[] found = Arrays.stream(p.written()).map(g -> g / mean).toArray();
            NormalEquationsTest.within(exact.values, found, bounds, backend.name() + " " + dtype);
          }
        }
      }
    }
  }
}
