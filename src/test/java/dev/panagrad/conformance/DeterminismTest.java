package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The same bits for any number of threads, and every time. */
@Tag("simd")
@Tag("conformance")
@Tag("c2")
@Tag("widest")
class DeterminismTest {
  private static final int[] THREADS = {1, 2, 3, 8};
  private static final boolean IS_THOROUGH = Boolean.getBoolean("panagrad.test.slow");
  private static final int[] MANY_THREADS =
      IS_THOROUGH ? new int[] {2, 3, 5, 8, 13, 16, 32, 48, 63, 64} : new int[] {2, 3, 64};
  private static final int REPEATS = IS_THOROUGH ? 10 : 2;

  static List<String> backends() {
    return TestBackends.names();
  }

  /** From the first call, which is interpreted, to calls that are compiled. */
  @ParameterizedTest
  @MethodSource("backends")
  void everyKernel(String name) {
    List<Backend> opened = new ArrayList<>(List.of(TestBackends.mirrored(name, THREADS[0])));
    Backend one = opened.getFirst();
    // The reference has one thread, and time for a device in software is short.
    int[] others = isSlow(one) && !IS_THOROUGH ? new int[] {8} : MANY_THREADS;
    for (int threads : others) {
      opened.add(TestBackends.mirrored(name, threads));
    }
    boolean hasCompact = one.stateFormats().contains(StateFormat.BF16);
    for (KernelRuns.KernelRun run : KernelRuns.all(isSlow(one) ? 16 : 1, hasCompact)) {
      try (TensorArena arena = TensorArena.open(run.name())) {
        KernelRuns.Ready ready = run.prepare(arena);
        List<byte[]> expected = null;
        for (Backend backend : opened) {
          for (int repeat = 0; repeat < repeats(one, run.name()); repeat++) {
            ready.run(backend);
            expected = expected == null ? ready.bits() : expected;
            if (!ready.wrote(expected)) {
              fail(
                  "%s %s: other bits on %s, repeat %d"
                      .formatted(name, run.name(), backend.detail(), repeat));
            }
          }
        }
      }
    }
    TestBackends.close(opened);
  }

  /** The reference has one thread, for which no size is different from any other. */
  private static boolean isSlow(Backend backend) {
    return backend.name().equals("scalar") || TestBackends.isTooSlow(backend);
  }

  /**
   * For each number of threads. Elementwise steps have no sums to reorder, and others than simd
   * borrow all but products.
   */
  private static int repeats(Backend backend, String kernel) {
    if (isSlow(backend)) {
      return 1;
    }
    return switch (backend.name()) {
      case "cuda" -> REPEATS;
      case "simd" -> kernel.startsWith("step") ? 1 : REPEATS;
      default ->
          kernel.matches("(gemm|gemv|syrk|cholesky) .*")
              ? REPEATS
              : kernel.startsWith("step") && !IS_THOROUGH ? 0 : 1;
    };
  }

  /** What an optimizer adds: norms of the gradient, and state from one step to the next. */
  @ParameterizedTest
  @MethodSource("backends")
  void clippedOptimizerSteps(String name) {
    Long expected = null;
    for (int threads : THREADS) {
      try (Backend backend = TestBackends.mirrored(name, threads)) {
        for (int repeat = 0; repeat < (TestBackends.isTooSlow(backend) ? 1 : REPEATS); repeat++) {
          try (TensorArena arena = TensorArena.open("steps")) {
            Parameters p = Parameters.layout().add("p", 200_001).allocate(arena, "p", DType.F32);
            Tensor g = arena.allocate("g", DType.F32, p.flat().count());
            Noise.fill(new Random(11), g);
            Optimizer optimizer = Optimizer.of(Adam.of(0.01)).clipNorm(1).build(p, backend, arena);
            optimizer.step(g);
            optimizer.step(g);
            long digest = digest(digest(0, p.flat()), optimizer.state().get(1));
            expected = expected == null ? digest : expected;
            assertEquals(expected, digest, name + ", threads " + threads + ", repeat " + repeat);
          }
        }
      }
    }
  }

  /** Rounding is random, and depends on step, slot and element alone. */
  @Test
  void compactState() {
    List<UpdateRule> rules =
        List.of(
            Sgd.of(0.01).withMomentum(0.9),
            Adam.of(0.01),
            Adam.of(0.01).withAmsgrad(),
            RmsProp.of(0.01).withMomentum(0.9));
    for (StateFormat format : List.of(StateFormat.BF16, StateFormat.INT8_BLOCKWISE)) {
      for (UpdateRule rule : rules) {
        if (rule.unsupportedReason(format).isPresent()) {
          continue;
        }
        Long expected = null;
        for (int threads : THREADS) {
          try (Backend backend = TestBackends.mirrored("simd", threads);
              TensorArena arena = TensorArena.open("steps")) {
            Parameters p =
                Parameters.layout()
                    .add("p", 100_001)
                    .addExempt("q", 50)
                    .allocate(arena, "p", DType.F32);
            Tensor g = arena.allocate("g", DType.F32, p.flat().count());
            Noise.fill(new Random(11), g);
            Optimizer optimizer =
                Optimizer.of(rule)
                    .state(format)
                    .penalty(new Penalty(1e-3, 0))
                    .build(p, backend, arena);
            optimizer.step(g);
            optimizer.step(g);
            long digest = digest(0, p.flat());
            for (Tensor state : optimizer.state()) {
              digest = digest(digest, state);
            }
            expected = expected == null ? digest : expected;
            assertEquals(expected, digest, format + " " + rule + ", threads " + threads);
          }
        }
      }
    }
  }

  private static long digest(long seed, Tensor t) {
    long digest = seed;
    for (long i = 0; i < t.count(); i++) {
      digest = digest * 1_000_003 + Double.doubleToRawLongBits(t.get(i));
    }
    return digest;
  }
}
