package dev.panagrad.conformance;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.backend.Transpose;
import dev.panagrad.loss.RowLoss;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Storage;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Optional;

/**
 * A backend with memory of its own, used as if it computed in host memory: each call copies the
 * whole storage behind its operands to the device, calls the kernel on views of the same offsets
 * and strides, and copies the storage of what was written back. So every test of kernels on host
 * tensors, with its sentinels, misaligned views and guard pages, tests the device's kernels too.
 */
final class MirroredBackend implements Backend {
  private final Backend device;
  private final StepTrace trace = new StepTrace();
  private final LinearKernels linear = new MirroredLinear();

  MirroredBackend(Backend device) {
    this.device = device;
  }

  /** The images of one call's operands. */
  private final class Mirror implements AutoCloseable {
    private final TensorArena arena = TensorArena.open("mirror");
    private final IdentityHashMap<Storage, Image> images = new IdentityHashMap<>();

    /** A storage's elements of one type, here and there. */
    private record Image(Tensor host, Tensor device, long firstByte) {}

    /** The image of a tensor, or null for null. */
    Tensor of(Tensor t) {
      if (t == null) {
        return null;
      }
      Image image = images.computeIfAbsent(t.storage(), _ -> image(t));
      long first = (t.byteOffset() - image.firstByte) / t.dtype().bytes();
      if (t.isContiguous()) {
        return image.device.slice(first, t.shape().extents()).named(t.name());
      }
      return image
          .device
          .slice(first, t.rows() * t.rowStride())
          .reshape(t.rows(), t.rowStride())
          .columns(0, t.cols())
          .named(t.name());
    }

    private Image image(Tensor t) {
      int size = t.dtype().bytes();
      MemorySegment all = t.segment();
      long firstByte = t.byteOffset() % size;
      long count = (all.byteSize() - firstByte) / size;
      Tensor host = Tensor.wrap("image", all.asSlice(firstByte, count * size), t.dtype(), count);
      // The gap after the last row belongs to the view that is built, if not to the storage.
      long beyond = t.isContiguous() ? 0 : t.rowStride();
      Tensor there = device.allocate(arena, "image", t.dtype(), Shape.of(count + beyond));
      device.copy(host, there.slice(0, count));
      return new Image(host, there, firstByte);
    }

    /**
     * The image of row numbers. A device looks at all of them when they come, so that what lies
     * outside of the batch becomes a number of the batch.
     */
    Tensor rows(Tensor index, long first, long count) {
      if (index == null) {
        return null;
      }
      Tensor inside = arena.allocate(index.name(), DType.I64, index.count());
      for (long i = 0; i < index.count(); i++) {
        inside.setLong(i, index.getLong(Math.clamp(i, first, first + count - 1)));
      }
      return device.place(arena, inside);
    }

    /** Copies back what may have been written. */
    void writeBack(Tensor... written) {
      for (Tensor t : written) {
        if (t != null) {
          Image image = images.get(t.storage());
          device.copy(image.device.slice(0, image.host.count()), image.host);
        }
      }
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  private final class MirroredLinear extends LinearKernels {
    MirroredLinear() {
      super(trace);
    }

    private LinearKernels there() {
      return device.linear();
    }

    @Override
    protected double dotKernel(Tensor x, Tensor y) {
      try (Mirror mirror = new Mirror()) {
        return there().dot(mirror.of(x), mirror.of(y));
      }
    }

    /** Of the sums that devices have. */
    @Override
    protected void lerpKernel(double share, Tensor x, Tensor y) {
      try (TensorArena arena = TensorArena.open("mix")) {
        Tensor before = arena.allocate("before", y.dtype(), y.shape());
        before.copyFrom(y);
        axpyKernel(-share, before, y);
        axpyKernel(share, x, y);
      }
    }

    @Override
    protected void axpyKernel(double alpha, Tensor x, Tensor y) {
      try (Mirror mirror = new Mirror()) {
        there().axpy(alpha, mirror.of(x), mirror.of(y));
        mirror.writeBack(y);
      }
    }

    @Override
    protected double norm2Kernel(Tensor x) {
      try (Mirror mirror = new Mirror()) {
        return there().norm2(mirror.of(x));
      }
    }

    @Override
    protected double norm1Kernel(Tensor x) {
      try (Mirror mirror = new Mirror()) {
        return there().norm1(mirror.of(x));
      }
    }

    @Override
    protected boolean isFiniteKernel(Tensor x) {
      try (Mirror mirror = new Mirror()) {
        return there().isFinite(mirror.of(x));
      }
    }

    @Override
    protected void gemvKernel(
        Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
      try (Mirror mirror = new Mirror()) {
        there().gemv(transpose, alpha, mirror.of(a), mirror.of(x), beta, mirror.of(y));
        mirror.writeBack(y);
      }
    }

    @Override
    protected void gemmKernel(
        Transpose transposeA,
        Transpose transposeB,
        double alpha,
        Tensor a,
        Tensor b,
        double beta,
        Tensor c) {
      try (Mirror mirror = new Mirror()) {
        there().gemm(transposeA, transposeB, alpha, mirror.of(a), mirror.of(b), beta, mirror.of(c));
        mirror.writeBack(c);
      }
    }

    @Override
    protected void syrkKernel(double alpha, Tensor a, double beta, Tensor c) {
      try (Mirror mirror = new Mirror()) {
        there().syrk(alpha, mirror.of(a), beta, mirror.of(c));
        mirror.writeBack(c);
      }
    }

    @Override
    protected boolean choleskyKernel(Tensor a) {
      try (Mirror mirror = new Mirror()) {
        boolean definite = there().cholesky(mirror.of(a));
        mirror.writeBack(a);
        return definite;
      }
    }

    @Override
    protected void predictKernel(Tensor x, long first, long count, Tensor w, Tensor b, Tensor out) {
      try (Mirror mirror = new Mirror()) {
        there().predict(mirror.of(x), first, count, mirror.of(w), mirror.of(b), mirror.of(out));
        mirror.writeBack(out);
      }
    }

    @Override
    protected void gradientKernel(
        Tensor x,
        Tensor y,
        Tensor index,
        long first,
        long count,
        Tensor w,
        Tensor b,
        Tensor gw,
        Tensor gb,
        Tensor loss) {
      try (Mirror mirror = new Mirror()) {
        there()
            .gradient(
                mirror.of(x),
                mirror.of(y),
                mirror.rows(index, first, count),
                first,
                count,
                mirror.of(w),
                mirror.of(b),
                mirror.of(gw),
                mirror.of(gb),
                mirror.of(loss));
        mirror.writeBack(gw, gb, loss);
      }
    }

    @Override
    public boolean hasLosses() {
      return there().hasLosses();
    }

    @Override
    protected void gradientKernel(
        RowLoss rowLoss,
        Tensor x,
        Tensor y,
        Tensor index,
        long first,
        long count,
        Tensor w,
        Tensor b,
        Tensor gw,
        Tensor gb,
        Tensor loss) {
      try (Mirror mirror = new Mirror()) {
        there()
            .gradient(
                new RowLoss(
                    rowLoss.loss(), mirror.of(rowLoss.weights()), mirror.of(rowLoss.offset())),
                mirror.of(x),
                mirror.of(y),
                mirror.rows(index, first, count),
                first,
                count,
                mirror.of(w),
                mirror.of(b),
                mirror.of(gw),
                mirror.of(gb),
                mirror.of(loss));
        mirror.writeBack(gw, gb, loss);
      }
    }
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype) {
    return device.step(rule, dtype).map(MirroredStep::new);
  }

  private final class MirroredStep implements StepKernel {
    private final StepKernel there;

    MirroredStep(StepKernel there) {
      this.there = there;
    }

    @Override
    public void apply(
        Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
      try (Mirror mirror = new Mirror()) {
        Tensor[] images = images(mirror, slots);
        there.apply(mirror.of(p), mirror.of(g), images, first, count, c);
        writeBack(mirror, p, g, slots);
      }
    }

    @Override
    public void applyAll(
        Tensor p,
        Tensor g,
        Tensor[] slots,
        long split,
        StepCoefficients penalized,
        StepCoefficients exempt) {
      try (Mirror mirror = new Mirror()) {
        Tensor[] images = images(mirror, slots);
        there.applyAll(mirror.of(p), mirror.of(g), images, split, penalized, exempt);
        writeBack(mirror, p, g, slots);
      }
    }

    @Override
    public boolean clipNorm(Tensor g, double bound) {
      try (Mirror mirror = new Mirror()) {
        return there.clipNorm(mirror.of(g), bound);
      }
    }

    private Tensor[] images(Mirror mirror, Tensor[] slots) {
      Tensor[] images = new Tensor[slots.length];
      for (int s = 0; s < slots.length; s++) {
        images[s] = mirror.of(slots[s]);
      }
      return images;
    }

    /** The gradient too: a test looks whether it was written. */
    private void writeBack(Mirror mirror, Tensor p, Tensor g, Tensor[] slots) {
      mirror.writeBack(p, g);
      mirror.writeBack(slots);
    }
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public String detail() {
    return device.detail();
  }

  @Override
  public boolean usesHostMemory() {
    return true;
  }

  @Override
  public Tensor allocate(TensorArena arena, String name, DType dtype, Shape shape) {
    return arena.allocate(name, dtype, shape);
  }

  @Override
  public Tensor place(TensorArena arena, Tensor tensor) {
    return tensor;
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    to.copyFrom(from);
    trace.countCopy(from.count() * from.dtype().bytes());
  }

  @Override
  public LinearKernels linear() {
    return linear;
  }

  @Override
  public StepTrace trace() {
    return trace;
  }

  @Override
  public void close() {
    linear.close();
    device.close();
  }
}
