package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that is saved and goes on elsewhere ends in the same bits as one that was not. */
class CheckpointTest {
  private static final int STEPS = 7;

  private static List<Backend> backends;

  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    backends = TestBackends.open(2);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  /** A model of two parameters, its optimizer, and gradients that depend on the step alone. */
  private static final class Run {
    final Backend backend;
    final TensorArena arena;
    final Parameters parameters;
    final Optimizer optimizer;
    private final Tensor gradient;
    private final Parameters hostGradient;

    Run(Backend backend, TensorArena arena, DType dtype, Optimizer.Builder options) {
      this.backend = backend;
      this.arena = arena;
      Parameters.Layout layout = Parameters.layout().add("weight", 3, 41).addExempt("bias", 3);
      Tensor flat = backend.allocate(arena, "p", dtype, Shape.of(layout.count(dtype)));
      parameters = layout.over(flat);
      optimizer = options.build(parameters, backend, arena);
      hostGradient = layout.allocate(arena, "g", dtype);
      gradient = backend.place(arena, hostGradient.flat());
    }

    void steps(int first, int count) {
      for (int step = first; step < first + count; step++) {
        SplittableRandom random = new SplittableRandom(step);
        for (String name : hostGradient.names()) {
          Tensor view = hostGradient.view(name);
          for (long i = 0; i < view.count(); i++) {
            view.set(i, random.nextGaussian());
          }
        }
        if (gradient != hostGradient.flat()) {
          backend.copy(hostGradient.flat(), gradient);
        }
        optimizer.step(gradient);
      }
    }

    double[] values() {
      Tensor onHost =
          arena.allocate("values", parameters.flat().dtype(), parameters.flat().shape());
      backend.copy(parameters.flat(), onHost);
      return onHost.toArray();
    }
  }

  /** Those that the backend has a kernel for, and all where it can do without. */
  private static List<UpdateRule> rules(Backend backend) {
    return rules().stream()
        .filter(
            r ->
                backend.usesHostMemory()
                    || backend.step(r, DType.F32, StateFormat.SAME).isPresent())
        .toList();
  }

  private static List<UpdateRule> rules() {
    return List.of(
        new GradientDescent(0.1),
        Sgd.of(0.1),
        Sgd.of(0.1).withMomentum(0.9),
        Adam.of(0.1),
        Adam.adamW(0.1).withAmsgrad(),
        RmsProp.of(0.1),
        RmsProp.of(0.1).withCentering().withMomentum(0.9),
        Lion.of(0.1).withWeightDecay(0.1),
        NAdam.of(0.1),
        NAdam.of(0.1).withDecoupledWeightDecay(0.1).withMomentumDecay(0.1),
        Adagrad.of(0.1).withRateDecay(0.1).withInitialAccumulator(0.1));
  }

  private static Optimizer.Builder options(UpdateRule rule) {
    return Optimizer.of(rule)
        .schedule(Schedule.cosine(2 * STEPS, 0))
        .penalty(new Penalty(rule.unsupportedL1Reason().isPresent() ? 0 : 0.001, 0.01))
        .clipNorm(5);
  }

  @Test
  void goesOnBitForBit() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (UpdateRule rule : rules(backend)) {
          String what = backend.name() + " " + dtype + " " + rule;
          double[] expected;
          try (TensorArena arena = TensorArena.open("whole")) {
            Run whole = new Run(backend, arena, dtype, options(rule));
            whole.steps(0, STEPS);
            Checkpoint.save(whole.optimizer, file);
            whole.steps(STEPS, STEPS);
            expected = whole.values();
          }
          try (TensorArena arena = TensorArena.open("resumed")) {
            Run resumed = new Run(backend, arena, dtype, options(rule));
            Checkpoint.restore(resumed.optimizer, file);
            assertEquals(STEPS, resumed.optimizer.steps(), what);
            resumed.steps(STEPS, STEPS);
            assertArrayEquals(expected, resumed.values(), what);
          }
        }
      }
    }
  }

  /** Rounding goes on from the step that was saved. */
  @Test
  void compactStateGoesOnBitForBit() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    for (Backend backend : backends) {
      for (StateFormat format : backend.stateFormats()) {
        for (UpdateRule rule : rules(backend)) {
          if (rule.unsupportedReason(format).isPresent()) {
            continue;
          }
          String what = backend.name() + " " + format + " " + rule;
          double[] expected;
          try (TensorArena arena = TensorArena.open("whole")) {
            Run whole = new Run(backend, arena, DType.F32, options(rule).state(format));
            whole.steps(0, STEPS);
            Checkpoint.save(whole.optimizer, file);
            whole.steps(STEPS, STEPS);
            expected = whole.values();
          }
          try (TensorArena arena = TensorArena.open("resumed")) {
            Run resumed = new Run(backend, arena, DType.F32, options(rule).state(format));
            Checkpoint.restore(resumed.optimizer, file);
            resumed.steps(STEPS, STEPS);
            assertArrayEquals(expected, resumed.values(), what);
          }
        }
      }
    }
  }

  /** Tensors of a file, and their types: state is saved as it is kept. */
  @Test
  void filesOfCompactState() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (Backend backend = TestBackends.mirrored("scalar", 1);
        TensorArena arena = TensorArena.open("files")) {
      Run bf16 = new Run(backend, arena, DType.F32, options(Adam.of(1)).state(StateFormat.BF16));
      Checkpoint.save(bf16.optimizer, file);
      SafetensorsFile in = SafetensorsFile.open(file);
      assertEquals(DType.BF16, in.map(arena, "v/weight").dtype());
      assertEquals(Shape.of(3, 41), in.map(arena, "v/weight").shape());
      bf16.steps(0, 1);
      Run block8 =
          new Run(backend, arena, DType.F32, options(Adam.of(1)).state(StateFormat.INT8_BLOCKWISE));
      block8.steps(0, 1);
      refused(block8, file, "differs in its state", "BF16", "INT8_BLOCKWISE");
      Checkpoint.save(block8.optimizer, file);
      in = SafetensorsFile.open(file);
      assertEquals(DType.U8, in.map(arena, "m.codes").dtype());
      assertEquals(Shape.of(256), in.map(arena, "v.codes").shape());
      assertEquals(Shape.of(1), in.map(arena, "v.scales").shape());
      refused(bf16, file, "differs in its state", "BF16", "INT8_BLOCKWISE");
    }
  }

  private void refused(Run run, Path file, String... parts) {
    double[] before = run.values();
    IOException e = assertThrows(IOException.class, () -> Checkpoint.restore(run.optimizer, file));
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), part + " in: " + e.getMessage());
    }
    assertArrayEquals(before, run.values());
    assertEquals(1, run.optimizer.steps());
  }

  /** What differs is named, and nothing changes. */
  @Test
  void anotherModel() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("others")) {
      Run saved = new Run(backend, arena, DType.F32, options(Adam.of(0.1)));
      saved.steps(0, 3);
      Checkpoint.save(saved.optimizer, file);
      Run[] others = {
        new Run(backend, arena, DType.F32, options(Adam.of(0.2))),
        new Run(backend, arena, DType.F32, options(RmsProp.of(0.1))),
        new Run(backend, arena, DType.F64, options(Adam.of(0.1))),
        new Run(backend, arena, DType.F32, options(Adam.of(0.1)).penalty(Penalty.none())),
      };
      for (Run other : others) {
        other.steps(0, 1);
      }
      refused(others[0], file, "differs in its rule", "0.1", "0.2", file.toString());
      refused(others[1], file, "differs in its rule", "Adam", "RmsProp");
      refused(others[2], file, "differs in its dtype", "F32", "F64");
      refused(others[3], file, "differs in its penalty");
      Parameters other = Parameters.layout().add("weight", 4, 41).allocate(arena, "q", DType.F32);
      if (backend.usesHostMemory()) {
        Optimizer optimizer = options(Adam.of(0.1)).build(other, backend, arena);
        IOException e = assertThrows(IOException.class, () -> Checkpoint.restore(optimizer, file));
        assertTrue(e.getMessage().contains("differs in its layout"), e.getMessage());
      }
    }
  }

  /** Cut short or with another byte anywhere: refused, or the same numbers. */
  @Test
  void damage() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("damage")) {
      Run saved = new Run(backend, arena, DType.F32, options(Adam.of(0.1)));
      saved.steps(0, 3);
      Checkpoint.save(saved.optimizer, file);
      byte[] bytes = Files.readAllBytes(file);
      Run run = new Run(backend, arena, DType.F32, options(Adam.of(0.1)));
      run.steps(0, 1);
      SplittableRandom random = new SplittableRandom(9);
      for (int i = 0; i < 300; i++) {
        Files.write(file, Arrays.copyOf(bytes, random.nextInt(bytes.length)));
        refused(run, file);
        byte[] flipped = bytes.clone();
        int at = bytes.length - 1 - random.nextInt(3 * 126 * 4);
        flipped[at] ^= (byte) (1 << random.nextInt(8));
        Files.write(file, flipped);
        refused(run, file, "is damaged");
      }
      refused(run, folder.resolve("none"), "there is no file");
    }
  }
}
