package dev.panagrad.backend.cuda;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.MathMode;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LongSummaryStatistics;
import java.util.Optional;

/**
 * One CUDA device. Work is queued and runs while the host goes on; calls that return numbers or
 * copy to the host wait for it.
 *
 * <p>Threading: any thread may call; calls take turns. A {@link
 * dev.panagrad.backend.DeviceException} that says the device is lost ends this backend: every later
 * call throws it again, and closing it still works.
 */
final class CudaBackend implements Backend {
  static final String NAME = "cuda";

  // Left free by placeRows for parameters, state and scratch.
  private static final int RESERVED_PART = 8;
  private static final long MAX_RESERVED = 1L << 30;

  private static final Logger LOG = System.getLogger(CudaBackend.class.getName());

  private final Lifetime lifetime = new Lifetime(NAME);
  private final StepTrace trace = new StepTrace();
  private final String detail;
  private final CudaQueue queue;
  private final CudaMemory memory;
  private final PinnedRanges pinned;
  private final RowUploads uploads;
  private final Cublas cublas;
  private final VectorSums sums;
  private final StepControls controls;
  private final LinearAlgebra linear;
  private final TypedLaunch gather;

  CudaBackend(BackendOptions options, String found) {
    CudaDriver driver = new CudaDriver(options.device());
    queue = new CudaQueue(driver, lifetime, trace);
    String name =
        "device %d, %s".formatted(options.device(), found.substring(0, found.indexOf(',')));
    memory = new CudaMemory(queue, name, options.deviceMemory());
    try {
      pinned = new PinnedRanges(queue);
      cublas = new Cublas(queue, memory, options.math());
      gather = new TypedLaunch(queue, "gather_rows", 8);
      uploads = new RowUploads(queue, memory, pinned);
      sums = new VectorSums(queue, memory);
      controls = new StepControls(queue, memory);
      CudaLinear kernels = new CudaLinear(queue, memory, cublas, sums, uploads);
      linear = new LinearAlgebra(lifetime, kernels, kernels, trace);
    } catch (RuntimeException e) {
      memory.releaseAll("the backend could not be opened");
      queue.close();
      throw e;
    }
    String limit = "; at most %,d bytes of its memory".formatted(options.deviceMemory());
    detail =
        found
            + (options.deviceMemory() == BackendOptions.ALL_MEMORY ? "" : limit)
            + (options.math() == MathMode.F32 ? "" : "; F32 products in " + options.math());
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String detail() {
    return detail;
  }

  @Override
  public boolean usesHostMemory() {
    return false;
  }

  @Override
  public Tensor allocate(TensorArena arena, String name, DType dtype, Shape shape) {
    return allocate(arena, name, dtype, shape, true);
  }

  private Tensor allocate(
      TensorArena arena, String name, DType dtype, Shape shape, boolean zeroed) {
    linear.requireOpen();
    CudaStorage storage = memory.allocate(name, shape.bytes(dtype), dtype == DType.I64);
    try {
      if (zeroed && storage.bytes() > 0) {
        synchronized (queue) {
          queue.enter();
          queue.flush();
          queue.driver.clear(storage.address(), storage.bytes(), queue.stream);
        }
      }
      arena.attach(storage);
      return Tensor.over(name, dtype, shape, storage);
    } catch (RuntimeException e) {
      storage.close();
      throw e;
    }
  }

  @Override
  public Tensor place(TensorArena arena, Tensor tensor) {
    tensor.requireUsable();
    if (!tensor.isHost()) {
      memory.address(tensor);
      return tensor;
    }
    Tensor onDevice = allocate(arena, tensor.name(), tensor.dtype(), tensor.shape(), false);
    copy(tensor, onDevice);
    return onDevice;
  }

  @Override
  public DenseRows placeRows(TensorArena arena, DenseRows rows) {
    linear.requireOpen();
    rows.x().requireUsable();
    rows.y().requireUsable();
    if (rows.isPlain() && rows.x().isHost()) {
      long bytes = (rows.x().count() + rows.y().count()) * rows.dtype().bytes();
      long available = memory.available();
      if (bytes > available - Math.min(available / RESERVED_PART, MAX_RESERVED)) {
        pinned.stays(rows.x());
        pinned.stays(rows.y());
        LOG.log(
            Level.INFO,
            "'%s', %,d bytes with targets, stays in host memory: %,d bytes of device memory are available; its rows are uploaded batch by batch"
                .formatted(rows.x().name(), bytes, available));
        return rows;
      }
    }
    return Backend.super.placeRows(arena, rows);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    linear.requireOpen();
    to.requireDType(from.dtype());
    to.requireShape(from.shape());
    from.requireUsable();
    to.requireWritable();
    to.requireDisjoint(from);
    if (from.isHost() && to.isHost()) {
      to.copyFrom(from);
      trace.countCopy(from.count() * from.dtype().bytes());
    } else if (from.isHost()) {
      upload(from, to);
    } else if (to.isHost()) {
      synchronized (queue) {
        queue.enter();
        HostCopies.download(queue, memory.address(from), from, to);
      }
    } else {
      copyOnDevice(from, to);
    }
  }

  private void upload(Tensor from, Tensor to) {
    synchronized (queue) {
      queue.enter();
      long address = memory.address(to);
      if (from.dtype() != DType.I64) {
        HostCopies.upload(queue, from, address, to);
        return;
      }
      // What is looked at is what is uploaded, whatever others write to the tensor meanwhile.
      try (Arena held = Arena.ofConfined()) {
        MemorySegment numbers = held.allocate(from.count() * Long.BYTES, Long.BYTES);
        Tensor copy = Tensor.wrap(from.name(), numbers, DType.I64, from.shape().extents());
        holdRows(copy.copyFrom(from), to);
        HostCopies.upload(queue, copy, address, to);
      }
    }
  }

  /** Kernels take row numbers as they are; what they may be is looked at here, once. */
  private static void holdRows(Tensor rows, Tensor to) {
    LongSummaryStatistics found = new LongSummaryStatistics();
    found.accept(0);
    for (long i = 0; i < rows.count(); i++) {
      found.accept(rows.getLong(i));
    }
    holdRows(to, found.getMin(), found.getMax());
  }

  private static void holdRows(Tensor to, long least, long largest) {
    CudaStorage storage = (CudaStorage) to.storage();
    storage.holdRows(least, largest, to.count() * to.dtype().bytes() == storage.bytes());
  }

  private void copyOnDevice(Tensor from, Tensor to) {
    synchronized (queue) {
      queue.enter();
      queue.flush();
      long source = memory.address(from);
      long target = memory.address(to);
      if (from.count() == 0) {
        return;
      }
      int size = from.dtype().bytes();
      if (from.dtype() == DType.I64) {
        CudaStorage rows = (CudaStorage) from.storage();
        holdRows(to, rows.leastRow(), rows.largestRow());
      }
      if (from.isContiguous() && to.isContiguous()) {
        queue.driver.copy(source, target, from.count() * size, queue.stream);
      } else if (!from.dtype().isFloating() && from.dtype() != DType.I64) {
        throw new IllegalArgumentException(
            "tensors '%s' and '%s' are %s and have gaps between their rows; the device copies such elements only without"
                .formatted(from.name(), to.name(), from.dtype()));
      } else {
        // The driver does not promise to copy rows on the device for any distance between them.
        DType moved = size == Float.BYTES ? DType.F32 : DType.F64;
        queue.launch(
            gather
                .of(moved)
                .put(0, source, from.rowStride(), 0, 0)
                .put(4, from.rows(), from.cols(), target, to.rowStride())
                .overElements(from.count()));
      }
      trace.countCopy(from.count() * size);
    }
  }

  @Override
  public LinearAlgebra linear() {
    return linear;
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype, StateFormat format) {
    linear.requireOpen();
    String kernel = CudaStep.kernel(rule);
    if (format != StateFormat.SAME || kernel == null) {
      return Optional.empty();
    }
    synchronized (queue) {
      queue.enter();
      return Optional.of(new CudaStep(queue, memory, sums, controls, kernel, dtype));
    }
  }

  @Override
  public StepTrace trace() {
    return trace;
  }

  @Override
  public void close() {
    synchronized (queue) {
      if (!lifetime.end()) {
        return;
      }
      if (!queue.driver.isLost()) {
        end(queue.driver::enter);
        end(queue::synchronize);
        end(uploads::close);
        end(pinned::close);
        end(cublas::close);
      }
      memory.releaseAll("backend 'cuda' was closed");
      queue.close();
      controls.close();
    }
  }

  private static void end(Runnable part) {
    try {
      part.run();
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "work that was not finished when the backend was closed", e);
    }
  }
}
