package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The gradient of every loss on every backend against loops in double precision. */
@Tag("simd")
@Tag("conformance")
@Tag("thorough")
class LossConformanceTest {
  private static final List<Loss> LOSSES =
      List.of(new Squared(), new Huber(0.7), new Logistic(), new Poisson(), new Quantile(0.3));

  /** Written out once more: values by their definitions. */
  private static double value(Loss loss, double z, double y) {
    double r = z - y;
    return switch (loss) {
      case Squared s -> r * r;
      case Huber h -> Math.abs(r) <= h.delta() ? r * r : h.delta() * (2 * Math.abs(r) - h.delta());
      case Logistic l -> Math.log(1 + Math.exp(z)) - y * z;
      case Poisson p -> Math.exp(z) - y * z;
      case Quantile q -> Math.max(q.tau() * (y - z), (q.tau() - 1) * (y - z));
      default -> throw new AssertionError(loss);
    };
  }

  /** By a central difference of the values, exact to 1e-8 or so for numbers around 1. */
  private static double derivative(Loss loss, double z, double y) {
    double h = 1e-5;
    return (value(loss, z + h, y) - value(loss, z - h, y)) / (2 * h);
  }

  @Test
  void valuesAndDerivatives() {
    Random random = new Random(1);
    for (Loss loss : LOSSES) {
      for (int i = 0; i < 2000; i++) {
        double z = 3 * random.nextGaussian();
        double y = loss instanceof Logistic ? random.nextInt(2) : Math.abs(random.nextGaussian());
        double s = random.nextDouble();
        if (Math.abs(Math.abs(z - y) - 0.7) < 1e-4 || Math.abs(z - y) < 1e-4) {
          continue; // where a difference crosses a kink
        }
        double[] cell = {z};
        double found = loss.differentiate(cell, new double[] {y}, new double[] {s}, 1);
        double size = Math.exp(Math.abs(z)) + 1;
        assertEquals(s * value(loss, z, y), found, 1e-14 * size * size, loss + " " + z);
        assertEquals(s * derivative(loss, z, y), cell[0], 1e-6 * size, loss + " " + z);
      }
      assertTrue(loss.mean(0.3) > 0);
    }
    double[] extremes = {800, -800};
    double sum =
        new Logistic().differentiate(extremes, new double[] {1, 0}, new double[] {1, 1}, 2);
    assertEquals(0, sum, 0, "no overflow where a class is certain");
    assertEquals(0, extremes[0], 0);
    assertEquals(0, extremes[1], 0);
  }

  @Test
  void everyBackend() {
    List<Backend> all = TestBackends.conforming(2);
    List<Backend> backends = all.stream().filter(b -> b.linear().supportsWeights()).toList();
    Random random = new Random(2);
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int n : new int[] {1, 3, 5, 64, 301, 3000}) {
        for (int d : new int[] {1, 4, 17, 64, 301}) {
          for (int k : new int[] {1, 2, 5}) {
            try (TensorArena arena = TensorArena.open("losses")) {
              Problem problem = Problem.of(arena, random, dtype, n, d, k);
              for (Loss loss : LOSSES) {
                problem.verify(backends, loss, false, false);
                problem.verify(backends, loss, true, true);
              }
            }
          }
        }
      }
    }
    TestBackends.close(all);
  }

  private record Problem(
      Tensor x,
      Tensor y,
      Tensor s,
      Tensor offset,
      Tensor index,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor values) {
    static Problem of(TensorArena arena, Random random, DType dtype, int n, int d, int k) {
      Tensor x = arena.allocate("x", dtype, n, d);
      Tensor y = arena.allocate("y", dtype, n, k);
      Tensor s = arena.allocate("s", dtype, n);
      Tensor offset = arena.allocate("offset", dtype, n);
      int chosen = (n + 1) / 2;
      Tensor index = arena.allocate("index", DType.I64, chosen);
      Tensor w = arena.allocate("w", dtype, k, d);
      Tensor b = arena.allocate("b", dtype, k);
      Noise.fill(random, x, offset, w, b);
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < k; j++) {
          y.set(i, j, random.nextInt(2));
        }
        s.set(i, random.nextInt(3));
        offset.set(i, offset.get(i) / 4);
      }
      for (int i = 0; i < chosen; i++) {
        index.setLong(i, random.nextInt(n));
      }
      for (int j = 0; j < k; j++) {
        b.set(j, b.get(j) / 2);
        for (int f = 0; f < d; f++) {
          w.set(j, f, w.get(j, f) / Math.sqrt(d));
        }
      }
      return new Problem(
          x,
          y,
          s,
          offset,
          index,
          w,
          b,
          arena.allocate("gw", dtype, k, d),
          arena.allocate("gb", dtype, k),
          arena.allocate("values", DType.F64, k));
    }

    private double roundoff() {
      return x.dtype() == DType.F32 ? 0x1p-24 : 0x1p-53;
    }

    /** Of one output: what to expect, and the sizes of the terms that its errors come from. */
    private static final class Expected {
      final double[] gradient;
      final double[] sizes;
      double intercept;
      double size;
      double value;
      double valueSize;

      Expected(int features) {
        gradient = new double[features];
        sizes = new double[features];
      }
    }

    void verify(List<Backend> backends, Loss loss, boolean indexed, boolean weighted) {
      int count = Math.toIntExact(indexed ? index.count() : x.rows());
      int d = Math.toIntExact(x.cols());
      double[][] features = Datasets.rows(x);
      double[][] weights = Datasets.rows(w);
      List<Expected> outputs = new ArrayList<>();
      for (int j = 0; j < weights.length; j++) {
        outputs.add(expected(loss, indexed, weighted, features, weights[j], j));
      }
      DenseRows data = weighted ? new DenseRows(x, y, s, offset) : new DenseRows(x, y);
      Batch batch = new Batch(data, indexed ? index : null);
      double chain = (d + 256 + 16) * roundoff() / count;
      for (Backend backend : backends) {
        backend
            .linear()
            .gradient(batch, 0, count, loss, new Linear(w, b), new Gradient(gw, gb, values));
        for (int j = 0; j < weights.length; j++) {
          Expected of = outputs.get(j);
          String what =
              "%s %s %s %d x %d, output %d".formatted(backend.name(), loss, x.dtype(), count, d, j);
          for (int f = 0; f < d; f++) {
            assertEquals(of.gradient[f] / count, gw.get(j, f), chain * of.sizes[f], what);
          }
          assertEquals(of.intercept / count, gb.get(j), chain * of.size, what);
          assertEquals(of.value / count, values.get(j), chain * of.valueSize, what);
        }
      }
    }

    private Expected expected(
        Loss loss,
        boolean indexed,
        boolean weighted,
        double[][] features,
        double[] weights,
        int j) {
      int d = weights.length;
      Expected of = new Expected(d);
      long count = indexed ? index.count() : x.rows();
      for (long i = 0; i < count; i++) {
        int row = Math.toIntExact(indexed ? index.getLong(i) : i);
        double[] xs = features[row];
        double z = b.get(j) + (weighted ? offset.get(row) : 0);
        double zSize = Math.abs(z);
        for (int f = 0; f < d; f++) {
          double product = xs[f] * weights[f];
          z += product;
          zSize += Math.abs(product);
        }
        double weight = weighted ? s.get(row) : 1;
        double[] cell = {z};
        double value =
            loss.differentiate(cell, new double[] {y.get(row, j)}, new double[] {weight}, 1);
        of.value += value;
        // A derivative is wrong by its own rounding, and by the curvature times that of z; where
        // it jumps, z may be on the other side.
        double curvature = loss instanceof Poisson ? Math.exp(z) + 1 : 2;
        boolean mayJump = loss instanceof Quantile && Math.abs(z - y.get(row, j)) < 1e-4 * zSize;
        double chain =
            Math.abs(cell[0]) + weight * curvature * zSize + (mayJump ? 1 / roundoff() : 0);
        of.valueSize += Math.abs(value) + chain * (zSize + 1);
        of.intercept += cell[0];
        of.size += chain;
        for (int f = 0; f < d; f++) {
          of.gradient[f] += cell[0] * xs[f];
          of.sizes[f] += chain * Math.abs(xs[f]);
        }
      }
      return of;
    }
  }

  @Test
  void refusals() {
    try (TensorArena arena = TensorArena.open("refusals")) {
      Problem q = Problem.of(arena, new Random(3), DType.F64, 8, 2, 1);
      Tensor wrong = arena.allocate("weights", DType.F64, 7);
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> new DenseRows(q.x, q.y, wrong, null));
      assertTrue(e.getMessage().contains("weights"), e.getMessage());
    }
  }

  /** A device without other losses says so, and where they are. */
  @Test
  void lossesThatABackendLacks() {
    List<Backend> backends = TestBackends.open(1);
    List<Backend> lacking =
        backends.stream().filter(backend -> !backend.linear().supportsWeights()).toList();
    try (TensorArena arena = TensorArena.open("lacking")) {
      assumeFalse(lacking.isEmpty(), "every backend of this run has them");
      for (Backend backend : lacking) {
        Problem q = Problem.of(arena, new Random(3), DType.F64, 8, 2, 1);
        DenseRows rows = backend.placeRows(arena, new DenseRows(q.x, q.y, q.s, null));
        Linear model = new Linear(backend.place(arena, q.w), null);
        Gradient into = new Gradient(backend.place(arena, q.gw), null, null);
        IllegalArgumentException e =
            assertThrows(
                IllegalArgumentException.class,
                () -> backend.linear().gradient(rows, new Logistic(), model, into));
        assertTrue(e.getMessage().contains("'logistic' of rows with weights"), e.getMessage());
        assertTrue(e.getMessage().contains("use a backend in host memory"), e.getMessage());
      }
    } finally {
      TestBackends.close(backends);
    }
  }
}
