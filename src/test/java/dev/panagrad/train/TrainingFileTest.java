package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableReader;
import dev.panagrad.data.csv.CsvTable;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training file holds what was read, and trains to the same bits as data in memory. */
class TrainingFileTest {
  @TempDir private Path folder;

  private static Table randhie() {
    return CsvTable.of(
        "randhie.csv", () -> TrainingFileTest.class.getResourceAsStream("/data/randhie.csv"));
  }

  private Path written(DType dtype, TrainingFile.Units units) throws IOException {
    Path file = folder.resolve(dtype + "-" + units + ".safetensors");
    try (Table table = randhie()) {
      TrainingFile.write(file, TableReader.of(table).targets(List.of("mdvis")), dtype, units);
    }
    return file;
  }

  private static Trainer trainer() {
    return Trainer.with(Optimizer.of(Adam.of(0.01))).batchSize(64).epochs(3).seed(5);
  }

  @Test
  void sameBitsAsInMemory() throws IOException {
    List<Backend> backends = TestBackends.open(2);
    try {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        Path path = written(dtype, TrainingFile.Units.STANDARDIZED);
        for (Backend backend : backends) {
          if (TestBackends.isTooSlow(backend)) {
            continue;
          }
          try (TrainingFile file = TrainingFile.open(path);
              TensorArena arena = TensorArena.open("memory")) {
            Dataset memory = Datasets.resource(arena, dtype, "randhie", "mdvis");
            TrainingResult inMemory = trainer().standardizeInPlace().fit(memory, backend);
            TrainingResult mapped = trainer().fit(file, backend);
            assertEquals(
                Arrays.deepToString(inMemory.model().coefficients()),
                Arrays.deepToString(mapped.model().coefficients()),
                backend.name());
            assertEquals(inMemory.mse(), mapped.mse());
            assertEquals(inMemory.r2(), mapped.r2());
            assertEquals(inMemory.constantFeatures(), mapped.constantFeatures());
          }
        }
      }
    } finally {
      TestBackends.close(backends);
    }
  }

  /** A window that holds the whole file, and one that holds a hundredth of it. */
  @Test
  void blocksReachTheSameLoss() throws IOException {
    Path path = written(DType.F32, TrainingFile.Units.STANDARDIZED);
    try (Backend backend = Backends.open("simd", new BackendOptions(2));
        TrainingFile file = TrainingFile.open(path)) {
      Trainer decaying =
          Trainer.with(Optimizer.of(Adam.of(0.01)).schedule(Schedule.cosine(3160, 0)))
              .batchSize(64)
              .epochs(10);
      double whole = decaying.fit(file, backend).mse();
      for (long memory : new long[] {2_000_000, 16_000}) {
        TrainingResult blocks = decaying.dataMemory(memory).fit(file, backend);
        assertEquals(whole, blocks.mse(), 1e-3 * whole);
        assertEquals(blocks.trainingRows(), 20_190);
      }
      TrainingResult held = trainer().validation(0.2).dataMemory(50_000).fit(file, backend);
      assertEquals(0.8 * 20_190, (double) held.trainingRows(), 200);
      assertEquals(whole, held.validationMse(), 0.3 * whole);
    }
  }

  /** A full batch of many windows is the mean of their gradients. */
  @Test
  void fullBatchInParts() throws IOException {
    Path path = written(DType.F64, TrainingFile.Units.STANDARDIZED);
    List<Backend> backends = TestBackends.open(2);
    try (TrainingFile file = TrainingFile.open(path)) {
      for (Backend backend : backends) {
        if (TestBackends.isTooSlow(backend)) {
          continue;
        }
        Trainer descent = Trainer.with(Optimizer.of(new GradientDescent(0.1))).epochs(20);
        TrainingResult whole = descent.fit(file, backend);
        TrainingResult parts = descent.dataMemory(100_000).fit(file, backend);
        assertEquals(whole.mse(), parts.mse(), 1e-12 * whole.mse());
        for (int f = 0; f < whole.model().features().size(); f++) {
          double expected = whole.model().coefficient(0, f);
          assertEquals(expected, parts.model().coefficient(0, f), 1e-10 * Math.abs(expected));
        }
        assertEquals(whole.history().getLast().loss(), parts.history().getLast().loss(), 1e-9);
      }
    } finally {
      TestBackends.close(backends);
    }
  }

  @Test
  void blocksResume() throws IOException {
    Path path = written(DType.F32, TrainingFile.Units.STANDARDIZED);
    try (Backend backend = Backends.open("simd", new BackendOptions(2));
        TrainingFile file = TrainingFile.open(path)) {
      TrainingResult whole = trainer().dataMemory(100_000).fit(file, backend);
      TrainingResult parts = null;
      while (parts == null || parts.stopReason() == StopReason.REQUEST) {
        int[] left = {170};
        parts =
            trainer()
                .dataMemory(100_000)
                .checkpoints(Checkpoints.in(folder.resolve("blocks")))
                .resume()
                .stopWhen(() -> left[0]-- == 0)
                .fit(file, backend);
      }
      assertEquals(
          Arrays.deepToString(whole.model().coefficients()),
          Arrays.deepToString(parts.model().coefficients()));
      assertEquals(whole.mse(), parts.mse());
    }
  }

  @Test
  void raw() throws IOException {
    Path path = written(DType.F64, TrainingFile.Units.RAW);
    try (TrainingFile file = TrainingFile.open(path);
        TensorArena arena = TensorArena.open("memory")) {
      Dataset memory = Datasets.resource(arena, DType.F64, "randhie", "mdvis");
      assertEquals(memory.features(), file.dataset().features());
      assertEquals(memory.rows(), file.dataset().rows());
      for (long row = 0; row < memory.rows(); row += 997) {
        for (int f = 0; f < memory.features().size(); f++) {
          assertEquals(memory.x().get(row, f), file.dataset().x().get(row, f));
        }
        assertEquals(memory.y().get(row), file.dataset().y().get(row, 0));
      }
      assertFalse(file.isShifted());
    }
  }

  /** As NumPy's memmap would: at the offset, little-endian, without gaps. */
  @Test
  void rowsBeginAtAPage() throws IOException {
    Path path = written(DType.F32, TrainingFile.Units.RAW);
    byte[] bytes = Files.readAllBytes(path);
    int rowBytes = 10 * Float.BYTES;
    int start = bytes.length - 20_190 * rowBytes;
    assertEquals(0, start % 4096);
    ByteBuffer rows = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    try (TrainingFile file = TrainingFile.open(path)) {
      for (int row : new int[] {0, 1, 20_189}) {
        for (int c = 0; c < 10; c++) {
          assertEquals(
              (float) file.rows().get(row, c), rows.getFloat(start + row * rowBytes + 4 * c));
        }
      }
    }
  }

  @Test
  void aBadCellLeavesWhatWasThere() throws IOException {
    Path file = Files.writeString(folder.resolve("old.safetensors"), "old");
    Path csv = Files.writeString(folder.resolve("bad.csv"), "a,y\n1,2\n3,x\n");
    try (Table table = CsvTable.file(csv)) {
      TableReader reader = TableReader.of(table).targets(List.of("y"));
      DataException e =
          assertThrows(
              DataException.class,
              () -> TrainingFile.write(file, reader, DType.F32, TrainingFile.Units.RAW));
      assertTrue(e.getMessage().contains("'x' in column 'y' is not a number"), e.getMessage());
    }
    assertEquals("old", Files.readString(file));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(2, files.count());
    }
  }

  @Test
  void refusals() throws IOException {
    Path path = written(DType.F32, TrainingFile.Units.STANDARDIZED);
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        TrainingFile file = TrainingFile.open(path);
        TensorArena arena = TensorArena.open("memory")) {
      refused(
          "cannot be standardized in place",
          () -> trainer().standardizeInPlace().fit(file, backend));
      refused(
          "which a model without intercept", () -> trainer().withoutIntercept().fit(file, backend));
      refused("do not hold two rows", () -> trainer().dataMemory(50).fit(file, backend));
      refused(
          "Gram mode",
          () ->
              Trainer.with(Optimizer.of(Adam.of(0.1)))
                  .gram()
                  .dataMemory(90_000)
                  .fit(file, backend));
      refused(
          "batch size", () -> trainer().batchSize(30_000).dataMemory(90_000).fit(file, backend));
      Dataset memory = Datasets.plane(arena, DType.F32, 1, 100, 3, 1, 1);
      refused("is for training files", () -> trainer().dataMemory(90_000).fit(memory, backend));
    }
  }

  private static void refused(String why, Runnable action) {
    Exception e = assertThrows(IllegalArgumentException.class, action::run);
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }

  @Test
  void damage() throws IOException {
    Path path = written(DType.F32, TrainingFile.Units.STANDARDIZED);
    byte[] good = Files.readAllBytes(path);
    Path bad = folder.resolve("bad.safetensors");
    int start = good.length - 20_190 * 40;
    // Header and moments are checked, whatever is changed in them; rows are not.
    for (int at = 0; at < start; at += 7) {
      byte[] bytes = good.clone();
      bytes[at] ^= 1;
      Files.write(bad, bytes);
      try (TrainingFile opened = TrainingFile.open(bad)) {
        // Spaces after the header say nothing, if they are still blank.
        assertEquals(20_190, opened.rows().rows(), "byte " + at);
      } catch (IOException e) {
        assertTrue(e.getMessage().contains("bad.safetensors"), e.getMessage());
      }
    }
    Files.write(bad, Arrays.copyOf(good, good.length - 1));
    assertThrows(IOException.class, () -> TrainingFile.open(bad).close());
  }
}
