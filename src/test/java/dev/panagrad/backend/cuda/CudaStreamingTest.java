package dev.panagrad.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.conformance.Noise;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rows that stay in host memory give the bits that they give on the device, however they are cut,
 * locked or buffered on the way.
 */
@Tag("cuda")
class CudaStreamingTest {
  private static final long ROWS = 20_011;
  private static final long COLS = 37;

  /** Holds parameters and buffers, and not 3 MB of rows. */
  private static final long LITTLE = 2_000_000;

  @TempDir private Path folder;

  @BeforeEach
  void device() {
    assumeTrue(new CudaProvider().probe() instanceof Availability.Available, "no CUDA device");
  }

  private static Backend open(long deviceMemory) {
    return new CudaProvider().open(new BackendOptions(1).withDeviceMemory(deviceMemory));
  }

  private static Tensor random(TensorArena arena, String name, long seed, long... extents) {
    Tensor t = arena.allocate(name, DType.F32, extents);
    Noise.fill(new SplittableRandom(seed), t);
    return t;
  }

  /** Gradients and loss of two batches after each other, of all positions and of some. */
  private static double[] gradients(
      Backend backend, TensorArena arena, Tensor x, Tensor y, Tensor index) {
    long k = y.cols();
    Tensor w = backend.place(arena, random(arena, "w", 3, k, COLS));
    Tensor gw = backend.allocate(arena, "gw", DType.F32, Shape.of(k, COLS));
    Tensor loss = backend.allocate(arena, "loss", DType.F64, Shape.of(k));
    Tensor hostGradient = arena.allocate("gw", DType.F32, k, COLS);
    Tensor hostLoss = arena.allocate("loss", DType.F64, k);
    double[] all = new double[Math.toIntExact(2 * k * (COLS + 1))];
    int at = 0;
    long[][] batches = {{0, ROWS}, {17, ROWS - 4_000}};
    for (long[] batch : batches) {
      backend
          .linear()
          .gradient(
              new Batch(new DenseRows(x, y), index),
              batch[0],
              batch[1],
              new Squared(),
              new Linear(w, null),
              new Gradient(gw, null, loss));
      backend.copy(gw, hostGradient);
      backend.copy(loss, hostLoss);
      for (double value : hostGradient.toArray()) {
        all[at++] = value;
      }
      for (double value : hostLoss.toArray()) {
        all[at++] = value;
      }
    }
    return all;
  }

  private static double[] resident(Tensor x, Tensor y, Tensor index) {
    try (Backend backend = open(BackendOptions.ALL_MEMORY);
        TensorArena arena = TensorArena.open("resident")) {
      DenseRows placed = backend.placeRows(arena, new DenseRows(x, y));
      assertFalse(placed.x().isHost(), "it fits");
      Tensor there = index == null ? null : backend.place(arena, index);
      return gradients(backend, arena, placed.x(), placed.y(), there);
    }
  }

  private static double[] streamed(Tensor x, Tensor y, Tensor index) {
    try (Backend backend = open(LITTLE);
        TensorArena arena = TensorArena.open("streamed")) {
      DenseRows placed = backend.placeRows(arena, new DenseRows(x, y));
      assertSame(x, placed.x(), "it does not fit");
      assertSame(y, placed.y());
      double[] all = gradients(backend, arena, x, y, index);
      // More parts than one: buffers were used again.
      assertTrue(backend.trace().copies() > 12, backend.trace().toString());
      return all;
    }
  }

  private static Tensor shuffled(TensorArena arena) {
    Tensor index = arena.allocate("index", DType.I64, ROWS);
    SplittableRandom random = new SplittableRandom(5);
    for (long i = 0; i < ROWS; i++) {
      index.setLong(i, random.nextLong(ROWS));
    }
    return index;
  }

  @Test
  void sameBitsAsOnTheDevice() {
    for (long outputs : new long[] {1, 3}) {
      try (TensorArena arena = TensorArena.open("rows")) {
        Tensor x = random(arena, "X", 1, ROWS, COLS);
        Tensor y = random(arena, "y", 2, ROWS, outputs);
        assertArrayEquals(resident(x, y, null), streamed(x, y, null), outputs + " in order");
        Tensor index = shuffled(arena);
        assertArrayEquals(resident(x, y, index), streamed(x, y, index), outputs + " by index");
      }
    }
  }

  /** Views of some columns, which are copied row by row. */
  @Test
  void rowsWithGaps() {
    try (TensorArena arena = TensorArena.open("rows")) {
      Tensor x = random(arena, "X", 1, ROWS, COLS + 5).columns(2, COLS);
      Tensor y = random(arena, "y", 2, ROWS, 4).columns(1, 2);
      assertArrayEquals(resident(x, y, null), streamed(x, y, null));
      Tensor index = shuffled(arena);
      assertArrayEquals(resident(x, y, index), streamed(x, y, index));
    }
  }

  @Test
  void mappedFile() throws IOException {
    Path file = folder.resolve("rows");
    try (TensorArena arena = TensorArena.open("rows")) {
      Files.write(file, new byte[Math.toIntExact(ROWS * COLS * Float.BYTES)]);
      Tensor written =
          arena.map("X", file, FileChannel.MapMode.READ_WRITE, 0, DType.F32, ROWS, COLS);
      written.copyFrom(random(arena, "X", 1, ROWS, COLS));
      Tensor x = arena.map("X", file, FileChannel.MapMode.READ_ONLY, 0, DType.F32, ROWS, COLS);
      Tensor y = random(arena, "y", 2, ROWS, 1);
      double[] expected = resident(x, y, null);
      assertArrayEquals(expected, streamed(x, y, null));
    }
  }

  /** Where the driver does not lock pages, rows go through buffers. */
  @Test
  void withoutLockedPages() {
    assumeTrue(SoftwareDevice.isPresent(), "the driver of a GPU is not told to refuse");
    try (TensorArena arena = TensorArena.open("rows")) {
      Tensor x = random(arena, "X", 1, ROWS, COLS);
      Tensor y = random(arena, "y", 2, ROWS, 1);
      double[] expected = streamed(x, y, null);
      SoftwareDevice.refuseRegister(true);
      SoftwareDevice.resetCounts();
      assertArrayEquals(expected, streamed(x, y, null));
      assertEquals(0, SoftwareDevice.count("live_registered"));
    } finally {
      SoftwareDevice.reset();
    }
  }

  /** Locked rows in order never make the host wait, and are copied from where they are. */
  @Test
  void lockedRowsAreCopiedStraight() {
    assumeTrue(SoftwareDevice.isPresent(), "the driver of a GPU does not count its bytes");
    try (TensorArena arena = TensorArena.open("rows");
        Backend backend = open(LITTLE)) {
      Tensor x = random(arena, "X", 1, ROWS, COLS);
      Tensor y = random(arena, "y", 2, ROWS, 1);
      backend.placeRows(arena, new DenseRows(x, y));
      Tensor w = backend.allocate(arena, "w", DType.F32, Shape.of(1, COLS));
      Tensor gw = backend.allocate(arena, "gw", DType.F32, Shape.of(1, COLS));
      backend
          .linear()
          .gradient(
              new DenseRows(x, y),
              new Squared(),
              new Linear(w, null),
              new Gradient(gw, null, null));
      backend.linear().norm2(gw.reshape(COLS));
      SoftwareDevice.resetCounts();
      backend
          .linear()
          .gradient(
              new DenseRows(x, y),
              new Squared(),
              new Linear(w, null),
              new Gradient(gw, null, null));
      assertEquals(0, SoftwareDevice.count("synchronizations"));
      assertEquals(0, SoftwareDevice.count("pageable_bytes"));
      assertEquals(0, SoftwareDevice.count("cuMemAllocFromPoolAsync"));
      backend.linear().norm2(gw.reshape(COLS));
      assertEquals(
          ROWS * (COLS + 1) * Float.BYTES + 2 * Double.BYTES,
          SoftwareDevice.count("pinned_bytes") + SoftwareDevice.count("pageable_bytes"));
    }
  }

  /** Rows too wide for shared memory, which are summed part by part on the device too. */
  @Test
  void wideRows() {
    long rows = 4_500;
    long cols = 5_000;
    double[][] found = new double[2][];
    try (TensorArena arena = TensorArena.open("rows")) {
      Tensor x = random(arena, "X", 1, rows, cols);
      Tensor y = random(arena, "y", 2, rows, 1);
      for (int i = 0; i < 2; i++) {
        try (Backend backend = open(i == 0 ? BackendOptions.ALL_MEMORY : 80L << 20);
            TensorArena device = TensorArena.open("device")) {
          DenseRows placed = backend.placeRows(device, new DenseRows(x, y));
          assertEquals(i == 1, placed.x().isHost());
          Tensor w = backend.place(device, random(device, "w", 3, 1, cols));
          Tensor gw = backend.allocate(device, "gw", DType.F32, Shape.of(1, cols));
          backend
              .linear()
              .gradient(
                  new DenseRows(placed.x(), placed.y()),
                  new Squared(),
                  new Linear(w, null),
                  new Gradient(gw, null, null));
          Tensor onHost = device.allocate("gw", DType.F32, 1, cols);
          backend.copy(gw, onHost);
          found[i] = onHost.toArray();
        }
      }
    }
    assertArrayEquals(found[0], found[1]);
  }

  /** Whole trainings, shuffled, with held-out rows. */
  @Test
  void trainingIsTheSame() {
    try (TensorArena arena = TensorArena.open("rows")) {
      Tensor x = random(arena, "X", 1, ROWS, COLS);
      Tensor y = random(arena, "y", 2, ROWS, 1);
      Trainer trainer =
          Trainer.with(Optimizer.of(Adam.of(0.01))).batchSize(512).epochs(2).validation(0.2);
      double[][] coefficients = new double[2][];
      for (int i = 0; i < 2; i++) {
        try (Backend backend = open(i == 0 ? BackendOptions.ALL_MEMORY : LITTLE)) {
          coefficients[i] = trainer.fit(Dataset.of(x, y), backend).model().coefficients()[0];
        }
      }
      assertArrayEquals(coefficients[0], coefficients[1]);
    }
  }

  /**
   * What a closed arena held is there for the next rows, though the driver keeps it in its pool.
   */
  @Test
  void freedMemoryIsAvailable() {
    assumeTrue(SoftwareDevice.isPresent(), "a GPU has more memory than a test");
    SoftwareDevice.setMemory(32 << 20);
    try (Backend backend = open(BackendOptions.ALL_MEMORY);
        TensorArena arena = TensorArena.open("rows")) {
      Tensor x = arena.allocate("X", DType.F32, 5 << 10, 1 << 10);
      Tensor y = arena.allocate("y", DType.F32, 5 << 10);
      for (int i = 0; i < 3; i++) {
        try (TensorArena round = TensorArena.open("round")) {
          assertFalse(backend.placeRows(round, new DenseRows(x, y)).x().isHost(), "round " + i);
        }
      }
    } finally {
      SoftwareDevice.setMemory(1 << 30);
    }
  }
}
