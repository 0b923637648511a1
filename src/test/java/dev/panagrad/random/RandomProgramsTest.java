package dev.panagrad.random;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

/**
 * Random programs over the public API. Every call ends with the right result, guard bytes and
 * inputs as they were, or with a documented exception and all bytes as they were; results have the
 * same bits for any number of threads.
 *
 * <p>Properties: {@code panagrad.random.calls}, of all programs together, 10^5 unless {@code
 * panagrad.test.slow} says that there is time for 10^7; {@code panagrad.random.seed} of the first
 * program of each kind.
 */
class RandomProgramsTest {
  private static final long CALLS =
      Long.getLong(
          "panagrad.random.calls",
          Boolean.getBoolean("panagrad.test.slow") ? 10_000_000L : 100_000L);

  private static final long SEED = Long.getLong("panagrad.random.seed", 1);

  @Test
  void tensors() {
    run(new TensorProgram(), 70);
  }

  @Test
  void optimizers() {
    run(new OptimizerProgram(), 10);
  }

  @Test
  void kernels() {
    run(KernelProgram.ofHosts(), 16);
  }

  @Test
  void devices() {
    KernelProgram program = KernelProgram.ofDevices();
    assumeTrue(program.hasEngines(), "there is no backend with memory of its own");
    run(program, 1);
  }

  @Test
  void trainings() {
    run(new TrainingProgram(), 3);
  }

  /** Runs programs until that many percent of all calls were made. */
  private static void run(Program program, int percent) {
    try (program) {
      long calls = CALLS * percent / 100;
      long made = program.runAll(SEED, calls);
      assertTrue(made >= calls);
      long refused = program.refused();
      // Neither are all calls right, nor is one wrong operand in every call.
      boolean isMixed = refused > made / 50 && refused < made * 2 / 3;
      assertTrue(isMixed || made < 500, refused + " of " + made + " calls were refused");
    }
  }
}
