package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.benchmark.ratio.Expected;
import dev.panagrad.benchmark.ratio.RandomValues;
import dev.panagrad.benchmark.ratio.Rival;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A gradient over the rows of a mapped file that the device is not allowed the memory for: its time
 * is that of the upload if the work hides behind it. The file is in the page cache.
 */
final class UploadComparison extends GpuComparison {
  private static final long FEATURES = 1_000;
  private static final long BLOCK = 10_000;
  private static final long FULL_ROWS = 1_000_000;
  private static final long QUICK_ROWS = 250_000;
  private static final long REHEARSED_ROWS = 8_000;

  private final long asked;
  private final long rows;
  private final long block;

  UploadComparison(GpuRun run) {
    super(run, "upload");
    asked = run.isRehearsal() ? REHEARSED_ROWS : run.isQuick() ? QUICK_ROWS : FULL_ROWS;
    block = run.isRehearsal() ? REHEARSED_ROWS / 2 : BLOCK;
    rows = Math.min(asked, affordableBytes() / (FEATURES * Float.BYTES) / block * block);
  }

  /** A quarter of the host's memory that is free, and half of what its disk has. */
  private static long affordableBytes() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
      long kilobytes =
          lines
              .filter(line -> line.startsWith("MemAvailable:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
              .findFirst()
              .orElseThrow();
      long disk = Files.getFileStore(folder()).getUsableSpace();
      return Math.min(kilobytes * 1024 / 4, disk / 2);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path folder() {
    return Path.of(System.getProperty("java.io.tmpdir"));
  }

  @Override
  String work() {
    return String.format(
        Locale.ROOT, "gradient f32 of a mapped file %s x %,d", run.size(asked, rows), FEATURES);
  }

  @Override
  long bytes() {
    return Float.BYTES * rows * (FEATURES + 1);
  }

  /** Too little for the rows. */
  @Override
  BackendOptions options() {
    return BackendOptions.defaults().withDeviceMemory(bytes() / 2);
  }

  /** For a buffer, where the driver does not lock the file's pages. */
  @Override
  boolean mayWait() {
    return true;
  }

  @Override
  List<Rival> rivals() {
    return List.of(run.torch("pinned copy", 0.9, "pinned_copy count=" + bytes()));
  }

  @Override
  DeviceWork open(Device device) {
    Tensor xBlock = RandomValues.tensor(memory, "X block", 1, block, FEATURES);
    Tensor yBlock = RandomValues.tensor(memory, "y block", 2, block, 1);
    Tensor hostW = RandomValues.tensor(memory, "w", 3, 1, FEATURES);
    Tensor y = memory.allocate("y", DType.F32, rows, 1);
    for (long first = 0; first < rows; first += block) {
      y.rows(first, block).copyFrom(yBlock);
    }
    DenseRows placed = device.backend.placeRows(memory, new DenseRows(mapped(xBlock), y));
    if (!placed.x().isHost()) {
      throw new IllegalStateException("the rows were placed on the device in spite of its limit");
    }
    Expected expected = Expected.gradient(xBlock, yBlock, hostW);
    Tensor w = device.backend.place(memory, hostW);
    Tensor out = device.zeros("gradient", 1, FEATURES);
    LinearAlgebra linear = device.backend.linear();
    Batch batch = new Batch(placed);
    Loss loss = new Squared();
    Linear model = new Linear(w, null);
    Gradient into = new Gradient(out, null, null);
    return new DeviceWork(device) {
      @Override
      void call() {
        linear.gradient(batch, 0, rows, loss, model, into);
      }

      @Override
      public Optional<String> disagreement() {
        device.backend.copy(memory.allocate("NaN", DType.F32, out.shape()).fill(Double.NaN), out);
        repeat(1);
        return expected.disagreement(device.download(out));
      }
    };
  }

  /** The block again and again, in a file that has no name any more once it is mapped. */
  private Tensor mapped(Tensor xBlock) {
    try {
      Path file = Files.createTempFile(folder(), "rows", ".f32");
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        ByteBuffer bytes =
            xBlock.segment().asSlice(xBlock.byteOffset(), xBlock.spanBytes()).asByteBuffer();
        for (long first = 0; first < rows; first += block) {
          bytes.rewind();
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        }
        return memory.map("X", file, FileChannel.MapMode.READ_ONLY, 0, DType.F32, rows, FEATURES);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the file of the upload", e);
    }
  }
}
