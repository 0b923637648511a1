package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The same bits from the same seed, whatever the number of threads; other bits from another. */
class ReproducibilityTest {
  private static final List<String> NAMES = List.of("scalar", "simd");
  private static final List<DType> TYPES = List.of(DType.F32, DType.F64);
  private static final int ROWS = 20_000;
  private static final int FEATURES = 30;
  private static final long EPOCHS = 3;

  /** Raw bits of the model, the figures and the history of every epoch. */
  private static List<Long> bits(
      String name, DType dtype, int threads, long batch, long seed, double validation) {
    try (Backend backend = Backends.open(name, new BackendOptions(threads));
        TensorArena arena = TensorArena.open("bits")) {
      Trainer trainer =
          Trainer.with(Optimizer.of(Adam.of(0.01)).clipNorm(1))
              .epochs(EPOCHS)
              .seed(seed)
              .validation(validation)
              .standardizeInPlace();
      if (batch > 0) {
        trainer.batchSize(batch);
      }
      TrainingResult result =
          trainer.fit(Datasets.plane(arena, dtype, 1, ROWS, FEATURES, 1, 1), backend);
      List<Long> bits = new ArrayList<>();
      for (double coefficient : result.model().coefficients()[0]) {
        bits.add(Double.doubleToRawLongBits(coefficient));
      }
      bits.add(Double.doubleToRawLongBits(result.model().intercept(0)));
      bits.add(Double.doubleToRawLongBits(result.mse()));
      bits.add(Double.doubleToRawLongBits(result.validationMse()));
      for (EpochRecord record : result.history()) {
        bits.add(Double.doubleToRawLongBits(record.loss()));
      }
      return bits;
    }
  }

  @Test
  void sameBitsForAnyNumberOfThreads() {
    for (String name : NAMES) {
      for (DType dtype : TYPES) {
        for (long batch : new long[] {0, 32, 7001}) {
          List<Long> one = bits(name, dtype, 1, batch, 1, 0.1);
          for (int threads : name.equals("scalar") ? new int[] {2} : new int[] {2, 3}) {
            String what = "%s %s batch %d threads %d".formatted(name, dtype, batch, threads);
            assertEquals(one, bits(name, dtype, threads, batch, 1, 0.1), what);
          }
        }
      }
    }
  }

  @Test
  void sameSeedSameBitsOtherSeedOtherBits() {
    for (String name : NAMES) {
      List<Long> first = bits(name, DType.F32, 2, 64, 1, 0);
      assertEquals(first, bits(name, DType.F32, 2, 64, 1, 0), name);
      assertNotEquals(
          first.subList(0, FEATURES),
          bits(name, DType.F32, 2, 64, 2, 0).subList(0, FEATURES),
          name);
    }
  }

  @Test
  void seedChoosesTheHeldOutRows() {
    for (String name : NAMES) {
      assertNotEquals(bits(name, DType.F64, 1, 0, 1, 0.1), bits(name, DType.F64, 1, 0, 2, 0.1));
      assertEquals(bits(name, DType.F64, 1, 0, 1, 0), bits(name, DType.F64, 1, 0, 2, 0));
    }
  }
}
