package dev.panagrad.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * Describes elements in memory and is immutable: storage, byte offset, shape, row stride and
 * element type. Copying a descriptor never copies elements; a view shares its storage.
 *
 * <pre>
 *   storage   |........................................................|
 *   byteOffset ------->| row 0 (cols elements) |gap| row 1 |gap| ...
 *                      |&lt;-- rowStride elements --->|
 * </pre>
 *
 * Elements within a row are adjacent, in native byte order. A vector of n elements has n rows of
 * one element.
 *
 * <p>Ownership: a tensor owns nothing. Memory lives as long as the {@link TensorArena} that
 * allocated it, or as the caller's arena for {@linkplain #wrap wrapped} memory; use after that
 * throws {@link IllegalStateException} with the tensor's name. Threading: descriptors may be shared
 * freely; concurrent access to the same elements is the caller's to order.
 */
public final class Tensor {
  private final String name;
  private final DType dtype;
  private final Shape shape;
  private final Storage storage;
  private final MemorySegment segment;
  private final long byteOffset;
  private final long rowStride;
  private final long cols;

  // The first byte and the one after the last: addresses, or offsets in a device's storage.
  private final long start;
  private final long end;

  private Tensor(
      String name, DType dtype, Shape shape, Storage storage, long byteOffset, long rowStride) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.storage = storage;
    this.segment = storage instanceof HostStorage host ? host.segment() : null;
    this.byteOffset = byteOffset;
    this.rowStride = rowStride;
    this.cols = shape.cols();
    this.start = byteOffset + (segment == null ? 0 : segment.address());
    this.end = start + spanBytes();
  }

  /**
   * Makes a contiguous tensor over a storage or its beginning; throws IllegalArgumentException if
   * it is too small. Backends and arenas call it; callers with memory of their own, {@link #wrap}.
   */
  public static Tensor over(String name, DType dtype, Shape shape, Storage storage) {
    Objects.requireNonNull(name, "name");
    long needed = shape.bytes(dtype);
    if (needed > storage.bytes()) {
      throw new IllegalArgumentException(
          "tensor '%s': shape %s of %s needs %,d bytes, the memory has %,d"
              .formatted(name, shape, dtype, needed, storage.bytes()));
    }
    return new Tensor(name, dtype, shape, storage, 0, shape.cols());
  }

  /**
   * Views native memory of the caller as a contiguous tensor, without a copy. The caller keeps
   * ownership and must keep the memory alive.
   *
   * @throws IllegalArgumentException if the segment is on the heap, too small for the shape, or not
   *     aligned to the element size
   */
  public static Tensor wrap(String name, MemorySegment segment, DType dtype, long... extents) {
    return over(name, dtype, Shape.of(extents), HostStorage.borrowed(name, segment, dtype));
  }

  /** Calls {@link #wrap(String, MemorySegment, DType, long...)} with the name "wrapped". */
  public static Tensor wrap(MemorySegment segment, DType dtype, long... extents) {
    return wrap("wrapped", segment, dtype, extents);
  }

  /**
   * Views the bytes between a direct buffer's position and limit as a contiguous tensor, without a
   * copy. The tensor keeps the buffer's memory alive.
   *
   * @throws IllegalArgumentException if the buffer is not direct, not in native byte order, too
   *     small, or misaligned
   */
  public static Tensor wrap(String name, ByteBuffer buffer, DType dtype, long... extents) {
    return over(name, dtype, Shape.of(extents), HostStorage.borrowed(name, buffer, dtype));
  }

  /** Returns the name that messages use. */
  public String name() {
    return name;
  }

  public DType dtype() {
    return dtype;
  }

  public Shape shape() {
    return shape;
  }

  /** Returns the outermost extent. */
  public long rows() {
    return shape.rows();
  }

  /** Returns the number of elements per row. */
  public long cols() {
    return cols;
  }

  public long count() {
    return shape.count();
  }

  /** Returns the number of elements between the starts of two rows. */
  public long rowStride() {
    return rowStride;
  }

  /** True if rows follow each other without a gap. */
  public boolean isContiguous() {
    return rowStride == cols || shape.rows() <= 1;
  }

  public Storage storage() {
    return storage;
  }

  /** Returns the offset of the first element in the storage, in bytes. */
  public long byteOffset() {
    return byteOffset;
  }

  /** Returns the number of bytes from the first element to the end of the last. */
  public long spanBytes() {
    return shape.count() == 0 ? 0 : ((shape.rows() - 1) * rowStride + cols) * dtype.bytes();
  }

  /** True if the elements are in memory of this process. */
  public boolean isHost() {
    return segment != null;
  }

  /** True if the memory refuses writes. */
  public boolean isReadOnly() {
    return segment != null && segment.isReadOnly();
  }

  /**
   * Returns the whole native segment of the storage; the first element is at {@link #byteOffset()}.
   * Throws IllegalStateException if the elements are on a device.
   */
  public MemorySegment segment() {
    if (storage instanceof DeviceStorage device) {
      throw new IllegalStateException(
          "tensor '%s' lives on %s and cannot be read or written from Java; copy it to a host tensor with Backend.copy"
              .formatted(name, device.deviceName()));
    }
    return segment;
  }

  // ---- views

  /** Returns the same elements under another name. */
  public Tensor named(String newName) {
    return new Tensor(
        Objects.requireNonNull(newName, "name"), dtype, shape, storage, byteOffset, rowStride);
  }

  /** Views rows {@code [first, first + count)}; throws IndexOutOfBoundsException if not inside. */
  public Tensor rows(long first, long count) {
    requireInside("rows", rows(), first, count);
    return view(shape.withRows(count), first * rowStride, rowStride);
  }

  /**
   * Views columns {@code [first, first + count)}; throws IndexOutOfBoundsException if not inside,
   * IllegalArgumentException if the tensor is not a matrix.
   */
  public Tensor columns(long first, long count) {
    if (shape.rank() != 2) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s is not a matrix: it has no columns to select"
              .formatted(name, shape));
    }
    requireInside("columns", cols, first, count);
    return view(Shape.of(rows(), count), first, rowStride);
  }

  /** Reshapes it as a view; throws IllegalArgumentException if counts differ or rows have gaps. */
  public Tensor reshape(long... extents) {
    Shape target = Shape.of(extents);
    if (target.count() != count()) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s (%,d elements) cannot be viewed as %s (%,d elements)"
              .formatted(name, shape, count(), target, target.count()));
    }
    if (!isContiguous()) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s has a row stride of %,d elements: only a contiguous tensor can be reshaped"
              .formatted(name, shape, rowStride));
    }
    return view(target, 0, target.cols());
  }

  /** Views a part of a contiguous tensor; throws IndexOutOfBoundsException if not inside. */
  public Tensor slice(long first, long... extents) {
    Shape target = Shape.of(extents);
    if (!isContiguous()) {
      throw new IllegalArgumentException(
          "tensor '%s' is not contiguous: it has no slice by element".formatted(name));
    }
    requireInside("elements", count(), first, target.count());
    return view(target, first, target.cols());
  }

  private Tensor view(Shape target, long first, long stride) {
    return new Tensor(name, dtype, target, storage, byteOffset + first * dtype.bytes(), stride);
  }

  // ---- elements, for set-up, tests and reports; kernels do not come here

  /** Returns element {@code index} in row-major order, as a double. */
  public double get(long index) {
    return load(byteOffsetOf(index));
  }

  /** Returns element ({@code row}, {@code col}), as a double. */
  public double get(long row, long col) {
    return load(byteOffsetOf(row, col));
  }

  /** Sets element {@code index} in row-major order, rounded to the element type. */
  public void set(long index, double value) {
    store(byteOffsetOf(index), value);
  }

  /** Sets element ({@code row}, {@code col}), rounded to the element type. */
  public void set(long row, long col, double value) {
    store(byteOffsetOf(row, col), value);
  }

  /** Returns element {@code index} of an {@link DType#I64} tensor. */
  public long getLong(long index) {
    requireDType(DType.I64);
    long offset = byteOffsetOf(index);
    requireUsable();
    return segment().get(ValueLayout.JAVA_LONG, offset);
  }

  /** Sets element {@code index} of an {@link DType#I64} tensor. */
  public void setLong(long index, long value) {
    requireDType(DType.I64);
    long offset = byteOffsetOf(index);
    requireWritable();
    segment().set(ValueLayout.JAVA_LONG, offset, value);
  }

  private long byteOffsetOf(long index) {
    if (index < 0 || index >= count()) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' of shape %s has no element %d".formatted(name, shape, index));
    }
    long position = isContiguous() ? index : index / cols * rowStride + index % cols;
    return byteOffset + position * dtype.bytes();
  }

  private long byteOffsetOf(long row, long col) {
    if (row < 0 || row >= rows() || col < 0 || col >= cols) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' of shape %s has no element (%d, %d)".formatted(name, shape, row, col));
    }
    return byteOffset + (row * rowStride + col) * dtype.bytes();
  }

  private double load(long offset) {
    requireUsable();
    return Elements.load(dtype, segment(), offset);
  }

  private void store(long offset, double value) {
    requireWritable();
    Elements.store(name, dtype, segment(), offset, value);
  }

  public Tensor fill(double value) {
    requireWritable();
    for (long i = 0; i < count(); i++) {
      store(byteOffsetOf(i), value);
    }
    return this;
  }

  /**
   * Copies the elements of a host tensor of the same shape, converting where the types differ: F64
   * to F32, and both to BF16, by rounding to nearest even, once; a NaN stays a NaN.
   *
   * @throws IllegalArgumentException if the shapes differ, the memory overlaps and types or gaps
   *     between rows do not allow one block copy, or an integer type has no such value; nothing is
   *     written then
   */
  public Tensor copyFrom(Tensor source) {
    Elements.copy(source, this);
    return this;
  }

  /** Copies the elements from an array of the same count, in row-major order. */
  public Tensor copyFrom(double... values) {
    requireCount(values.length);
    for (double value : values) {
      Elements.require(name, dtype, value);
    }
    for (int i = 0; i < values.length; i++) {
      set(i, values[i]);
    }
    return this;
  }

  /** Returns the elements in row-major order; refuses more than an array holds. */
  public double[] toArray() {
    return Elements.toArray(this);
  }

  // ---- checks: each names the tensor, what was asked and what was found

  /** Throws unless the memory is alive and the calling thread may use it. */
  public void requireUsable() {
    storage.requireUsable(name);
  }

  /** Throws unless the memory is alive, the calling thread may use it, and it is the host's. */
  public void requireHost() {
    requireUsable();
    segment();
  }

  /** Throws unless the elements may be written by the calling thread. */
  public void requireWritable() {
    requireUsable();
    if (isReadOnly()) {
      throw new IllegalArgumentException(
          "tensor '%s' is in read-only memory and was to be written".formatted(name));
    }
  }

  /** Throws {@link IllegalArgumentException} unless the tensor has this element type. */
  public void requireDType(DType expected) {
    if (dtype != expected) {
      throw new IllegalArgumentException(
          "tensor '%s' is %s where %s is needed".formatted(name, dtype, expected));
    }
  }

  /** Throws {@link IllegalArgumentException} unless the tensor has this shape. */
  public void requireShape(Shape expected) {
    if (!shape.equals(expected)) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where %s is needed".formatted(name, shape, expected));
    }
  }

  /** Throws {@link IllegalArgumentException} unless the tensor has this many elements. */
  public void requireCount(long expected) {
    if (count() != expected) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s has %,d elements where %,d are needed"
              .formatted(name, shape, count(), expected));
    }
  }

  /** Throws {@link IllegalArgumentException} unless rows follow each other without a gap. */
  public void requireContiguous() {
    if (!isContiguous()) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s has a row stride of %,d elements where a contiguous tensor is needed"
              .formatted(name, shape, rowStride));
    }
  }

  private void requireInside(String what, long all, long first, long count) {
    if (first < 0 || count < 0 || first > all - count) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' has %,d %s: %s [%d, %d + %d) are not inside"
              .formatted(name, all, what, what, first, first, count));
    }
  }

  /** Throws {@link IllegalArgumentException} if the tensors share a byte. */
  public void requireDisjoint(Tensor other) {
    if (overlaps(other)) {
      throw new IllegalArgumentException(
          "tensors '%s' and '%s' share memory where two separate buffers are needed"
              .formatted(name, other.name));
    }
  }

  /**
   * True if two tensors share a byte. Views of other columns of one matrix do not; of views with
   * other row strides the spans from first to last element count.
   */
  public boolean overlaps(Tensor other) {
    return start < other.end
        && other.start < end
        && Overlap.ofSpans(this, other, other.start - start);
  }

  /** True if any thread may use the memory: not if it is borrowed from a confined arena. */
  public boolean isShareable() {
    return !(storage instanceof HostStorage host) || host.isShareable();
  }

  @Override
  public String toString() {
    return "%s %s%s".formatted(name, dtype, shape);
  }
}
