package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A call that throws has changed nothing; arguments at their limits are refused by name. */
@Tag("simd")
class UnchangedTest {
  private final List<Backend> backends = TestBackends.mirrored(1);
  private TensorArena arena;

  @TempDir private Path folder;

  @BeforeEach
  void open() {
    arena = TensorArena.open("unchanged test");
  }

  @AfterEach
  void close() {
    arena.close();
    TestBackends.close(backends);
  }

  private Parameters ones(String name, int count) {
    Parameters p = Parameters.layout().add("w", count).allocate(arena, name, DType.F32);
    p.view("w").fill(1);
    return p;
  }

  private static String refusal(Class<? extends RuntimeException> type, Executable call) {
    return assertThrows(type, call).getMessage();
  }

  @Test
  void stepWithAnAverageInClosedMemory() {
    for (Backend backend : backends) {
      TensorArena state = TensorArena.open("state");
      Parameters p = ones("p", 2);
      Optimizer optimizer =
          Optimizer.of(Sgd.of(0.1)).average(Averaging.ema(0.9)).build(p, backend, state);
      Parameters g = ones("g", 2);
      state.close();
      for (int i = 0; i < 2; i++) {
        String text = refusal(IllegalStateException.class, () -> optimizer.step(g));
        assertTrue(text.contains("average"), text);
        assertArrayEquals(new double[] {1, 1}, p.view("w").toArray(), backend.name());
        assertEquals(0, optimizer.steps());
      }
    }
  }

  @Test
  void stepByTheAverage() {
    for (Backend backend : backends) {
      Parameters p = ones("p", 2);
      Optimizer optimizer =
          Optimizer.of(Sgd.of(0.1)).average(Averaging.ema(0.9)).build(p, backend, arena);
      optimizer.step(ones("g", 2));
      Tensor average = optimizer.averaged().flat();
      double before = average.get(0);
      String text = refusal(IllegalArgumentException.class, () -> optimizer.step(average));
      assertTrue(text.contains("share memory"), text);
      assertEquals(before, average.get(0));
      assertEquals(before, p.view("w").get(0));
      assertEquals(1, optimizer.steps());
    }
  }

  /** The mean is that of the gradients that were taken in, whatever was refused between them. */
  @Test
  void accumulatorRefuses() {
    for (Backend backend : backends) {
      Tensor g = arena.allocate("g", DType.F64, 2).fill(1);
      GradientAccumulator mean = new GradientAccumulator(backend, arena, g);
      TensorArena closed = TensorArena.open("closed");
      Tensor late = closed.allocate("late", DType.F64, 2);
      closed.close();
      Tensor gaps = arena.allocate("gaps", DType.F64, 2, 2).columns(0, 1);
      for (int round = 0; round < 3; round++) {
        assertThrows(IllegalStateException.class, () -> mean.add(late, 1));
        assertThrows(IllegalArgumentException.class, () -> mean.add(gaps, 1));
        assertThrows(IllegalArgumentException.class, () -> mean.add(g.reshape(1, 2), 1));
        assertThrows(IllegalArgumentException.class, () -> mean.add(g, 0));
        mean.add(g, 1);
        String text =
            refusal(IllegalArgumentException.class, () -> mean.add(mean.take().named("mean"), 1));
        assertTrue(text.contains("share memory"), text);
        mean.add(g, 1);
        assertThrows(IllegalStateException.class, () -> mean.add(late, 1));
        mean.add(g, 3);
        assertArrayEquals(new double[] {1, 1}, mean.take().toArray(), backend.name());
      }
      mean.add(g, Double.MAX_VALUE);
      String text = refusal(IllegalArgumentException.class, () -> mean.add(g, Double.MAX_VALUE));
      assertTrue(text.contains("sum of the weights"), text);
      assertArrayEquals(new double[] {1, 1}, mean.take().toArray());
    }
  }

  @Test
  void stepCountsHaveAnEnd() {
    for (Backend backend : backends) {
      Parameters p = ones("p", 2);
      Parameters g = ones("g", 2);
      Optimizer optimizer = Optimizer.of(Adam.of(0.1)).build(p, backend, arena);
      for (long bad : new long[] {-1, Long.MAX_VALUE, Long.MIN_VALUE, Optimizer.MAX_STEPS + 1}) {
        String text = refusal(IllegalArgumentException.class, () -> optimizer.resumeAt(bad));
        assertTrue(text.contains("steps made") && text.contains("" + bad), text);
      }
      assertEquals(0, optimizer.steps());
      optimizer.resumeAt(Optimizer.MAX_STEPS - 1);
      optimizer.step(g);
      double[] before = p.view("w").toArray();
      assertTrue(Double.isFinite(before[0]));
      String text = refusal(IllegalStateException.class, () -> optimizer.step(g));
      assertTrue(text.contains("" + Optimizer.MAX_STEPS), text);
      assertArrayEquals(before, p.view("w").toArray());
      assertThrows(IllegalArgumentException.class, () -> optimizer.learningRate(-1));
      optimizer.scaleRate(1e-300);
      assertThrows(IllegalArgumentException.class, () -> optimizer.scaleRate(1e-300));
      assertEquals(1e-300, optimizer.rateFactor());
    }
  }

  @Test
  void parametersWithoutElements() {
    for (Backend backend : backends) {
      for (Optimizer.Builder builder :
          List.of(
              Optimizer.of(Sgd.of(0.1)),
              Optimizer.of(Adam.of(0.1)).clipNorm(1).average(Averaging.ema(0.5)),
              Optimizer.of(Sgd.of(0.1)).nonFinite(NonFinitePolicy.THROW).clipValue(1))) {
        Parameters none = Parameters.layout().add("w", 0).allocate(arena, "none", DType.F32);
        Optimizer optimizer = builder.build(none, backend, arena);
        assertTrue(optimizer.step(none.like(arena, "g")));
        assertTrue(optimizer.step(none.like(arena, "g")));
        assertEquals(2, optimizer.steps(), backend.name());
      }
    }
  }

  /** A rate that is refused has not begun to clip: the next step is as if nothing had been. */
  @Test
  void aRefusedRate() {
    for (Backend backend : backends) {
      Parameters p = ones("p", 2);
      Parameters g = ones("g", 2);
      g.view("w").copyFrom(3, 4);
      double[] rate = new double[1];
      Optimizer optimizer =
          Optimizer.of(new GradientDescent(1))
              .clipNorm(1)
              .schedule((step, base) -> rate[0])
              .build(p, backend, arena);
      for (double bad : new double[] {Double.POSITIVE_INFINITY, Double.NaN, -1}) {
        rate[0] = bad;
        String text = refusal(ArithmeticException.class, () -> optimizer.step(g));
        assertTrue(text.contains("" + bad) && text.contains("step 0"), text);
      }
      g.view("w").copyFrom(0.3, 0.4);
      rate[0] = 1;
      optimizer.step(g);
      assertArrayEquals(new double[] {0.7, 0.6}, p.view("w").toArray(), 1e-6, backend.name());
    }
  }

  /** What is not built leaves no memory behind. */
  @Test
  void epsilonThatVanishes() {
    for (Backend backend : backends) {
      for (UpdateRule rule :
          List.of(
              Adam.of(0.1).withEpsilon(1e-300),
              Adam.adamW(0.1).withEpsilon(1e-38),
              NAdam.of(0.1).withEpsilon(1e-300),
              RmsProp.of(0.1).withEpsilon(1e-39),
              RmsProp.of(0.1).withMomentum(0.9).withCentering().withEpsilon(1e-60),
              Adagrad.of(0.1).withEpsilon(1e-40).withInitialAccumulator(1e-60))) {
        Parameters p = ones("p", 2);
        long before = arena.bytes();
        String text =
            refusal(
                IllegalArgumentException.class, () -> Optimizer.of(rule).build(p, backend, arena));
        assertTrue(
            text.contains("'" + rule.name() + "'")
                && text.contains("epsilon")
                && text.contains("F32"),
            text);
        assertEquals(before, arena.bytes());
        Parameters wide = Parameters.layout().add("w", 2).allocate(arena, "wide", DType.F64);
        Optimizer.of(rule).build(wide, backend, arena).step(wide.like(arena, "zero"));
        assertArrayEquals(new double[2], wide.view("w").toArray(), rule + backend.name());
      }
    }
  }

  /** The smallest epsilon that the message gives works, where no coordinate has a gradient. */
  @Test
  void theSmallestEpsilonWorks() {
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (UpdateRule tiny :
            List.of(
                Adam.of(0.1).withEpsilon(Double.MIN_VALUE),
                NAdam.of(0.1).withEpsilon(Double.MIN_VALUE),
                RmsProp.of(0.1).withEpsilon(Double.MIN_VALUE),
                Adagrad.of(0.1).withEpsilon(Double.MIN_VALUE))) {
          Parameters p = Parameters.layout().add("w", 20).allocate(arena, "p", dtype);
          String text =
              refusal(
                  IllegalArgumentException.class,
                  () -> Optimizer.of(tiny).build(p, backend, arena));
          double least = Double.parseDouble(text.substring(text.lastIndexOf(' ') + 1));
          UpdateRule rule =
              switch (tiny) {
                case Adam adam -> adam.withEpsilon(least);
                case NAdam nadam -> nadam.withEpsilon(least);
                case RmsProp rmsProp -> rmsProp.withEpsilon(least);
                case Adagrad adagrad -> adagrad.withEpsilon(least);
                default -> throw new AssertionError(tiny);
              };
          Optimizer.of(rule).build(p, backend, arena).step(p.like(arena, "g"));
          assertArrayEquals(new double[20], p.view("w").toArray(), rule + backend.name());
        }
      }
    }
    assertFalse(backends.isEmpty());
  }

  @Test
  void groupsThatMatchNothingAllocateNothing() {
    Parameters p = ones("p", 2);
    long before = arena.bytes();
    Optimizer.Builder builder = Optimizer.of(Adam.of(0.1)).group(ParameterGroup.of("nobody"));
    assertThrows(
        IllegalArgumentException.class, () -> builder.build(p, backends.getFirst(), arena));
    assertEquals(before, arena.bytes());
  }

  /** State in memory that is closed, or counts beyond the last: neither is read half way. */
  @Test
  void restoreChecksFirst() throws IOException {
    for (Backend backend : backends) {
      Path file = folder.resolve("checkpoint");
      TensorArena state = TensorArena.open("state");
      Parameters p = ones("p", 2);
      Optimizer optimizer = Optimizer.of(Adam.of(0.1)).build(p, backend, state);
      optimizer.step(ones("g", 2));
      Checkpoint.save(optimizer, file);
      p.view("w").fill(5);
      state.close();
      assertThrows(IllegalStateException.class, () -> Checkpoint.restore(optimizer, file));
      assertArrayEquals(new double[] {5, 5}, p.view("w").toArray(), backend.name());
      Files.delete(file);
    }
  }

  @Test
  void aSnapshotIsWrittenOnceTaken() throws IOException {
    Backend backend = backends.getFirst();
    Path file = folder.resolve("snapshot");
    TensorArena memory = TensorArena.open("parameters");
    Parameters p = Parameters.layout().add("w", 2).allocate(memory, "p", DType.F32);
    Optimizer optimizer = Optimizer.of(Sgd.of(0.1)).build(p, backend, arena);
    CheckpointSnapshot snapshot = new CheckpointSnapshot(optimizer, arena, true);
    Executable write = () -> snapshot.write(file, Map.of(), List.of());
    assertTrue(refusal(IllegalStateException.class, write).contains("taken"));
    snapshot.take();
    snapshot.write(file, Map.of(), List.of());
    memory.close();
    assertThrows(IllegalStateException.class, snapshot::take);
    assertTrue(refusal(IllegalStateException.class, write).contains("taken"));
  }

  /** Many stars take no longer than the two lengths multiplied. */
  @Test
  void patternsDoNotBacktrack() {
    ParameterGroup group = ParameterGroup.of("*a".repeat(200) + "b");
    assertFalse(group.matches("a".repeat(5_000)));
    assertTrue(group.matches("a".repeat(5_000) + "b"));
    assertTrue(ParameterGroup.of("*\n?.w*").matches("x\n\uD83D\uDE00.w"));
    assertFalse(ParameterGroup.of("?").matches(""));
    assertTrue(ParameterGroup.of("a**").matches("a"));
    assertFalse(ParameterGroup.of("a.c").matches("abc"));
    assertFalse(ParameterGroup.of("").matches("a"));
  }

  @Test
  void deviceTensorsAreRefusedOnTheHost() {
    for (Backend device : TestBackends.open(1)) {
      if (!device.usesHostMemory()) {
        Tensor like = device.allocate(arena, "like", DType.F32, Shape.of(2));
        GradientAccumulator mean = new GradientAccumulator(device, arena, like);
        mean.add(like, 1);
        Tensor host = arena.allocate("host", DType.F32, 2).fill(9);
        assertThrows(IllegalArgumentException.class, () -> mean.add(host, 1));
        Tensor found = arena.allocate("found", DType.F32, 2);
        device.copy(mean.take(), found);
        assertEquals(0, found.get(0));
      }
      device.close();
    }
  }
}
