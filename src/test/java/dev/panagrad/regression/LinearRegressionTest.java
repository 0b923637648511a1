package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The loss is the mean squared error, and the gradient is its slope. */
class LinearRegressionTest {
  private static final int[][] SHAPES = {{1, 1, 1}, {37, 5, 1}, {101, 17, 3}, {5, 40, 2}};
  private static final double STEP = 1e-3;

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.mirrored(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  private static double loss(double[][] x, double[][] y, Tensor w, Tensor b, int output) {
    double squares = 0;
    for (int i = 0; i < x.length; i++) {
      double residual = (b == null ? 0 : b.get(output)) - y[i][output];
      for (int f = 0; f < x[i].length; f++) {
        residual += w.get(output, f) * x[i][f];
      }
      squares += residual * residual;
    }
    return squares / x.length;
  }

  private static double total(LinearRegression model, Dataset data) {
    model.computeGradient(data.x(), data.y());
    double total = 0;
    for (long j = 0; j < model.loss().count(); j++) {
      total += model.loss().get(j);
    }
    return total;
  }

  /** A model of that shape with random parameters on every backend. */
  private static void check(int[] shape, boolean hasIntercept, Backend backend) {
    double[][] x = Datasets.normal(1, shape[0], shape[1]);
    double[][] y = Datasets.normal(2, shape[0], shape[2]);
    try (TensorArena arena = TensorArena.open("regression")) {
      Dataset data = Datasets.of(arena, DType.F64, x, y);
      LinearRegression model =
          new LinearRegression(backend, arena, DType.F64, shape[1], shape[2], hasIntercept);
      Tensor p = model.parameters().flat();
      double[] values = Datasets.normal(3, 1, Math.toIntExact(p.count()))[0];
      for (int i = 0; i < values.length; i++) {
        p.set(i, values[i]);
      }
      String what = "%s %dx%dx%d".formatted(backend.name(), shape[0], shape[1], shape[2]);
      model.computeGradient(data.x(), data.y());
      for (int j = 0; j < shape[2]; j++) {
        double expected = loss(x, y, model.weights(), model.intercept(), j);
        assertEquals(expected, model.loss().get(j), 1e-13 * expected, what + " loss " + j);
      }
      double[] gradient = model.gradient().flat().toArray();
      slopes(model, data, gradient, what);
    }
  }

  /** A quadratic has no third derivative: central differences are exact but for rounding. */
  private static void slopes(LinearRegression model, Dataset data, double[] gradient, String what) {
    Tensor p = model.parameters().flat();
    for (int i = 0; i < gradient.length; i++) {
      double value = p.get(i);
      p.set(i, value + STEP);
      double above = total(model, data);
      p.set(i, value - STEP);
      double below = total(model, data);
      p.set(i, value);
      double rounding = 100 * Math.ulp(above) / STEP;
      assertEquals((above - below) / (2 * STEP), gradient[i], rounding, what + " parameter " + i);
    }
  }

  @Test
  void lossAndGradient() {
    for (Backend backend : backends) {
      for (int[] shape : SHAPES) {
        check(shape, true, backend);
        check(shape, false, backend);
      }
    }
  }

  @Test
  void gradientOfABatchIsThatOfItsRowsAlone() {
    double[][] x = Datasets.normal(1, 10, 3);
    double[][] y = Datasets.normal(2, 10, 1);
    double[][] partX = {x[7], x[2], x[9]};
    double[][] partY = {y[7], y[2], y[9]};
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("regression")) {
        LinearRegression model = new LinearRegression(backend, arena, DType.F64, 3, 1, true);
        model.parameters().flat().fill(0.5);
        Tensor index = arena.allocate("index", DType.I64, 5);
        long[] rows = {0, 7, 2, 9, 1};
        for (int i = 0; i < rows.length; i++) {
          index.setLong(i, rows[i]);
        }
        Dataset all = Datasets.of(arena, DType.F64, x, y);
        model.computeGradient(new Batch(new DenseRows(all.x(), all.y()), index), 1, 3);
        double[] batch = model.gradient().flat().toArray();
        double batchLoss = model.loss().get(0);
        Dataset part = Datasets.of(arena, DType.F64, partX, partY);
        model.computeGradient(part.x(), part.y());
        assertEquals(model.loss().get(0), batchLoss, 1e-15 * batchLoss);
        for (int i = 0; i < batch.length; i++) {
          assertEquals(model.gradient().flat().get(i), batch[i], 1e-14);
        }
      }
    }
  }

  @Test
  void parametersStartAtZero() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("regression")) {
        LinearRegression model = new LinearRegression(backend, arena, DType.F32, 9, 2, true);
        for (double value : model.parameters().flat().toArray()) {
          assertEquals(0.0, value, 0.0);
        }
      }
    }
  }

  @Test
  void predictions() {
    double[][] x = Datasets.normal(1, 20, 4);
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("regression")) {
        LinearRegression model = new LinearRegression(backend, arena, DType.F64, 4, 2, true);
        double[] w = Datasets.normal(2, 1, 8)[0];
        for (int i = 0; i < 8; i++) {
          model.weights().set(i, w[i]);
        }
        model.intercept().set(1, 10);
        Tensor out = arena.allocate("out", DType.F64, 5, 2);
        model.predict(Datasets.matrix(arena, "x", DType.F64, x), 3, 5, out);
        for (int i = 0; i < 5; i++) {
          for (int j = 0; j < 2; j++) {
            double expected = 10 * j;
            for (int f = 0; f < 4; f++) {
              expected += w[4 * j + f] * x[3 + i][f];
            }
            assertEquals(expected, out.get(i, j), 1e-14);
          }
        }
      }
    }
  }

  @Test
  void somethingMustBePredictedFromSomething() {
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("regression")) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new LinearRegression(backend, arena, DType.F64, 0, 1, true));
      assertThrows(
          IllegalArgumentException.class,
          () -> new LinearRegression(backend, arena, DType.F64, 1, 0, true));
    }
  }
}
