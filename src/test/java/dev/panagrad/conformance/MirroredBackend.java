package dev.panagrad.conformance;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.backend.Transpose;
import dev.panagrad.loss.Loss;
import dev.panagrad.rule.StateFormat;
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
  private final Lifetime lifetime;
  private final LinearAlgebra linear;

  MirroredBackend(Backend device) {
    this.device = device;
    lifetime = new Lifetime(device.name());
    LinearKernels kernels = new MirroredKernels();
    linear = new LinearAlgebra(lifetime, kernels, kernels, trace);
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

    Linear of(Linear model) {
      return new Linear(of(model.w()), of(model.b()));
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

  private final class MirroredKernels implements LinearKernels {
    private LinearAlgebra there() {
      return device.linear();
    }

    @Override
    public boolean supports(Loss loss) {
      return there().supports(loss);
    }

    @Override
    public boolean supportsWeights() {
      return there().supportsWeights();
    }

    @Override
    public double dot(Tensor x, Tensor y) {
      try (Mirror mirror = new Mirror()) {
        return there().dot(mirror.of(x), mirror.of(y));
      }
    }

    @Override
    public void axpy(double alpha, Tensor x, Tensor y) {
      try (Mirror mirror = new Mirror()) {
        there().axpy(alpha, mirror.of(x), mirror.of(y));
        mirror.writeBack(y);
      }
    }

    @Override
    public void lerp(double share, Tensor x, Tensor y) {
      try (Mirror mirror = new Mirror()) {
        there().lerp(share, mirror.of(x), mirror.of(y));
        mirror.writeBack(y);
      }
    }

    @Override
    public double norm2(Tensor x) {
      try (Mirror mirror = new Mirror()) {
        return there().norm2(mirror.of(x));
      }
    }

    @Override
    public double norm1(Tensor x) {
      try (Mirror mirror = new Mirror()) {
        return there().norm1(mirror.of(x));
      }
    }

    @Override
    public boolean isFinite(Tensor x) {
      try (Mirror mirror = new Mirror()) {
        return there().isFinite(mirror.of(x));
      }
    }

    @Override
    public void triangularize(Tensor r, Tensor blocks) {
      try (Mirror mirror = new Mirror()) {
        there().triangularize(mirror.of(r), mirror.of(blocks));
        mirror.writeBack(r);
        mirror.writeBack(blocks);
      }
    }

    @Override
    public void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
      try (Mirror mirror = new Mirror()) {
        there().gemv(transpose, alpha, mirror.of(a), mirror.of(x), beta, mirror.of(y));
        mirror.writeBack(y);
      }
    }

    @Override
    public void gemm(
        Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
      try (Mirror mirror = new Mirror()) {
        there().gemm(opA, opB, alpha, mirror.of(a), mirror.of(b), beta, mirror.of(c));
        mirror.writeBack(c);
      }
    }

    @Override
    public void syrk(double alpha, Tensor a, double beta, Tensor c) {
      try (Mirror mirror = new Mirror()) {
        there().syrk(alpha, mirror.of(a), beta, mirror.of(c));
        mirror.writeBack(c);
      }
    }

    @Override
    public boolean cholesky(Tensor a) {
      try (Mirror mirror = new Mirror()) {
        boolean definite = there().cholesky(mirror.of(a));
        mirror.writeBack(a);
        return definite;
      }
    }

    @Override
    public void predict(Tensor x, long first, long count, Linear model, Tensor out) {
      try (Mirror mirror = new Mirror()) {
        there().predict(mirror.of(x), first, count, mirror.of(model), mirror.of(out));
        mirror.writeBack(out);
      }
    }

    @Override
    public void gradient(
        Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
      for (long i = first; i < first + count; i++) {
        batch.row(i);
      }
      try (Mirror mirror = new Mirror()) {
        DenseRows rows = batch.rows();
        DenseRows images =
            new DenseRows(
                mirror.of(rows.x()),
                mirror.of(rows.y()),
                mirror.of(rows.weights()),
                mirror.of(rows.offset()));
        there()
            .gradient(
                new Batch(images, mirror.rows(batch.index(), first, count)),
                first,
                count,
                loss,
                mirror.of(model),
                new Gradient(mirror.of(into.gw()), mirror.of(into.gb()), mirror.of(into.loss())));
        mirror.writeBack(into.gw(), into.gb(), into.loss());
      }
    }
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype, StateFormat format) {
    return device.step(rule, dtype, format).map(MirroredStep::new);
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
  public LinearAlgebra linear() {
    return linear;
  }

  @Override
  public StepTrace trace() {
    return trace;
  }

  @Override
  public void close() {
    lifetime.end();
    device.close();
  }
}
