package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Averages of parameters against the sums that define them. */
@Tag("simd")
class AveragingTest {
  private static final int COUNT = 70;
  private static final int STEPS = 9;

  /** The parameters after each step, the last of them their average. */
  private static List<double[]> run(Backend backend, DType dtype, Averaging averaging) {
    List<double[]> seen = new ArrayList<>();
    Random random = new Random(5);
    try (TensorArena arena = TensorArena.open("average")) {
      Parameters.Layout layout = Parameters.layout().add("w", COUNT);
      Shape shape = Shape.of(layout.count(dtype));
      Parameters parameters = layout.over(backend.allocate(arena, "p", dtype, shape));
      Optimizer optimizer =
          Optimizer.of(Sgd.of(0.5)).average(averaging).build(parameters, backend, arena);
      Tensor host = arena.allocate("g", dtype, shape);
      for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < COUNT; i++) {
          host.set(i, random.nextGaussian());
        }
        optimizer.step(backend.place(arena, host));
        seen.add(values(backend, arena, parameters));
      }
      seen.add(values(backend, arena, optimizer.averaged()));
    }
    return seen;
  }

  private static double[] values(Backend backend, TensorArena arena, Parameters from) {
    Tensor copy = arena.allocate("copy", from.flat().dtype(), from.flat().shape());
    backend.copy(from.flat(), copy);
    return copy.toArray();
  }

  /**
   * The weight of step s is a function; the average is the weighted mean. Every running mean rounds
   * twice per step, and no term is larger than the largest parameter.
   */
  private static void check(Averaging averaging, ToDoubleFunction<Integer> weight) {
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        List<double[]> seen = run(backend, dtype, averaging);
        for (int i = 0; i < COUNT; i++) {
          double sum = 0;
          double weights = 0;
          double largest = 0;
          for (int s = 1; s <= STEPS; s++) {
            sum += weight.applyAsDouble(s) * seen.get(s - 1)[i];
            weights += weight.applyAsDouble(s);
            largest = Math.max(largest, Math.abs(seen.get(s - 1)[i]));
          }
          double unit = dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
          assertEquals(
              sum / weights,
              seen.getLast()[i],
              4 * STEPS * unit * largest,
              backend.name() + " " + dtype + " " + averaging);
        }
      }
    }
    TestBackends.close(backends);
  }

  @Test
  void exponential() {
    for (double decay : new double[] {0.5, 0.9, 0.999}) {
      check(Averaging.ema(decay), s -> Math.pow(decay, STEPS - s));
    }
  }

  @Test
  void polyakRuppert() {
    check(Averaging.polyakRuppert(1), _ -> 1);
    check(Averaging.polyakRuppert(4), s -> s < 4 ? 0 : 1);
    check(Averaging.polyakRuppert(STEPS + 5), s -> s < STEPS ? 0 : 1);
  }

  @Test
  void options() {
    for (double decay : new double[] {0, 1, -0.1, Double.NaN}) {
      Exception e = assertThrows(IllegalArgumentException.class, () -> Averaging.ema(decay));
      assertTrue(e.getMessage().contains("decay of the average"), e.getMessage());
    }
    assertThrows(IllegalArgumentException.class, () -> Averaging.polyakRuppert(0));
    try (Backend backend = TestBackends.mirrored("scalar", 1);
        TensorArena arena = TensorArena.open("none")) {
      Parameters parameters = Parameters.layout().add("w", 3).allocate(arena, "p", DType.F32);
      assertNull(Optimizer.of(Sgd.of(1)).build(parameters, backend, arena).averaged());
    }
  }
}
