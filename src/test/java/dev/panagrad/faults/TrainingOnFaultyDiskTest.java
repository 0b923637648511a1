package dev.panagrad.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Checkpoints;
import dev.panagrad.train.StopReason;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever call for its checkpoints fails, a training comes to its end, the checkpoint before it is
 * whole, and another training goes on from it to the same bits.
 */
class TrainingOnFaultyDiskTest {
  private static final int EPOCHS = 2;

  /** Every call fails once with Maven's profile slow, else every fifth: a training has over 60. */
  private static final int STRIDE = Boolean.getBoolean("panagrad.test.slow") ? 1 : 5;

  @TempDir private Path folder;

  private static TrainingResult fit(Path checkpoints, boolean resume) {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        TensorArena arena = TensorArena.open("faulty disk")) {
      Trainer trainer =
          Trainer.with(Optimizer.of(Adam.of(0.05))).epochs(EPOCHS).batchSize(10).seed(3);
      if (checkpoints != null) {
        trainer.checkpoints(Checkpoints.in(checkpoints).everySteps(3).keep(1));
      }
      if (resume) {
        trainer.resume();
      }
      return trainer.fit(Datasets.plane(arena, DType.F32, 1, 40, 3, 1, 0.1), backend);
    }
  }

  private static String model(TrainingResult result) {
    return Arrays.deepToString(result.model().coefficients());
  }

  /** Fails at the first call, the second, until a training needs no more. */
  private int all(String name, IntFunction<FailingCall> at) throws IOException {
    String whole = model(fit(null, false));
    for (int k = 1; ; k += STRIDE) {
      Path checkpoints = Files.createDirectory(folder.resolve(name + k));
      FailingCall fault = at.apply(k);
      try {
        TrainingResult result = fit(FaultyFileSystem.path(checkpoints, fault), false);
        assertEquals(StopReason.EPOCHS, result.stopReason());
        assertEquals(whole, model(result), "what a checkpoint does changes no number");
        String failure = result.checkpointFailure();
        if (failure != null) {
          assertTrue(failure.contains(fault.reason()), failure);
          assertTrue(failure.contains(checkpoints.toString()), failure);
        }
      } catch (UncheckedIOException e) {
        // Before it began.
        assertTrue(e.getMessage().contains("cannot keep checkpoints in"), e.getMessage());
        assertTrue(e.getMessage().contains(checkpoints.toString()), e.getMessage());
      }
      TrainingResult resumed = fit(checkpoints, true);
      assertEquals(whole, model(resumed), name + " " + k);
      assertNull(resumed.checkpointFailure());
      if (!fault.failed()) {
        return k;
      }
    }
  }

  @Test
  void brokenOnce() throws IOException {
    assertTrue(all("once", k -> FailingCall.broken(k, false)) > 60);
  }

  @Test
  void brokenForGood() throws IOException {
    assertTrue(all("for-good", k -> FailingCall.broken(k, true)) > 10);
  }

  @Test
  void full() throws IOException {
    int calls = all("full", k -> FailingCall.full(k, true));
    assertTrue(calls > 30, calls + " calls");
    Path checkpoints = Files.createDirectory(folder.resolve("said"));
    FailingCall fault = FailingCall.full(40, true);
    String failure = fit(FaultyFileSystem.path(checkpoints, fault), false).checkpointFailure();
    assertTrue(
        failure.matches("cannot write '.*', [0-9,]+ bytes: No space left on device"), failure);
  }
}
