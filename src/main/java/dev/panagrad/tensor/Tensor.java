package dev.panagrad.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * An immutable descriptor of elements in memory: storage, byte offset, shape, row stride and
 * element type. Copying a descriptor never copies elements; a view shares its storage.
 *
 * <pre>
 *   storage   |........................................................|
 *   byteOffset ------->| row 0 (cols elements) |gap| row 1 |gap| ...
 *                      |<-- rowStride elements --->|
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
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private final String name;
  private final DType dtype;
  private final Shape shape;
  private final Storage storage;
  private final MemorySegment segment;
  private final long byteOffset;
  private final long rowStride;
  private final long cols;

  /** The first byte and the one after the last: addresses, or offsets in a device's storage. */
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
   * A contiguous tensor over the whole of a storage or its beginning. For backends and arenas;
   * callers with memory of their own use {@link #wrap}.
   *
   * @throws IllegalArgumentException if the storage is too small
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
    Objects.requireNonNull(segment, "segment");
    Shape shape = Shape.of(extents);
    if (!segment.isNative()) {
      throw new IllegalArgumentException(
          "tensor '"
              + name
              + "': the segment is on the heap; kernels take native memory only. Allocate it from a TensorArena, or copy"
              + " it into one with Tensor.copyFrom");
    }
    if (segment.address() % dtype.bytes() != 0) {
      throw new IllegalArgumentException(
          "tensor '%s': address 0x%x is not a multiple of %d, the size of %s"
              .formatted(name, segment.address(), dtype.bytes(), dtype));
    }
    return over(name, dtype, shape, new HostStorage(segment, null, null, false));
  }

  /** {@link #wrap(String, MemorySegment, DType, long...)} under the name "wrapped". */
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
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(
          "tensor '" + name + "': the buffer is on the heap; use ByteBuffer.allocateDirect");
    }
    if (buffer.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "tensor '%s': the buffer is %s, this machine is %s; call buffer.order(ByteOrder.nativeOrder()) if its bytes are"
                  .formatted(name, buffer.order(), ByteOrder.nativeOrder())
              + " in native order");
    }
    return wrap(name, MemorySegment.ofBuffer(buffer), dtype, extents);
  }

  // ---- description

  /** The name that messages use. */
  public String name() {
    return name;
  }

  /** The element type. */
  public DType dtype() {
    return dtype;
  }

  /** The extents. */
  public Shape shape() {
    return shape;
  }

  /** The outermost extent. */
  public long rows() {
    return shape.rows();
  }

  /** Elements per row. */
  public long cols() {
    return cols;
  }

  /** Number of elements. */
  public long count() {
    return shape.count();
  }

  /** Elements between the starts of two rows. */
  public long rowStride() {
    return rowStride;
  }

  /** Whether rows follow each other without a gap. */
  public boolean isContiguous() {
    return rowStride == cols || shape.rows() <= 1;
  }

  /** The memory behind the tensor. */
  public Storage storage() {
    return storage;
  }

  /** Offset of the first element in the storage, in bytes. */
  public long byteOffset() {
    return byteOffset;
  }

  /** Bytes from the first element to the end of the last. */
  public long spanBytes() {
    return shape.count() == 0 ? 0 : ((shape.rows() - 1) * rowStride + cols) * dtype.bytes();
  }

  /** Whether the elements are in memory of this process. */
  public boolean isHost() {
    return segment != null;
  }

  /** Whether the memory refuses writes. */
  public boolean isReadOnly() {
    return segment != null && segment.isReadOnly();
  }

  /**
   * The whole native segment of the storage; the first element is at {@link #byteOffset()}.
   *
   * @throws IllegalStateException if the elements are on a device
   */
  public MemorySegment segment() {
    if (segment == null) {
      throw onDevice("read or written from Java");
    }
    return segment;
  }

  private IllegalStateException onDevice(String verb) {
    return new IllegalStateException(
        "tensor '%s' lives on %s and cannot be %s; copy it to a host tensor with Backend.copy"
            .formatted(name, ((DeviceStorage) storage).deviceName(), verb));
  }

  // ---- views

  /** The same elements under another name. */
  public Tensor named(String newName) {
    return new Tensor(
        Objects.requireNonNull(newName, "name"), dtype, shape, storage, byteOffset, rowStride);
  }

  /**
   * A view of {@code count} rows from row {@code first}, without a copy.
   *
   * @throws IndexOutOfBoundsException if the range is not inside the tensor
   */
  public Tensor rows(long first, long count) {
    if (first < 0 || count < 0 || first > rows() - count) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' has %,d rows: rows [%d, %d + %d) are not inside"
              .formatted(name, rows(), first, first, count));
    }
    return new Tensor(
        name,
        dtype,
        shape.withRows(count),
        storage,
        byteOffset + first * rowStride * dtype.bytes(),
        rowStride);
  }

  /**
   * A view of columns {@code [first, first + count)} of a matrix, without a copy.
   *
   * @throws IndexOutOfBoundsException if the range is not inside the tensor
   * @throws IllegalArgumentException if the tensor is not a matrix
   */
  public Tensor columns(long first, long count) {
    if (shape.rank() != 2) {
      throw new IllegalArgumentException(
          "tensor '"
              + name
              + "' of shape "
              + shape
              + " is not a matrix: it has no columns to select");
    }
    if (first < 0 || count < 0 || first > cols - count) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' has %,d columns: columns [%d, %d + %d) are not inside"
              .formatted(name, cols, first, first, count));
    }
    return new Tensor(
        name,
        dtype,
        Shape.of(rows(), count),
        storage,
        byteOffset + first * dtype.bytes(),
        rowStride);
  }

  /**
   * The same elements in another shape, without a copy.
   *
   * @throws IllegalArgumentException if the element counts differ or the rows have gaps
   */
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
    return new Tensor(name, dtype, target, storage, byteOffset, target.cols());
  }

  /**
   * A contiguous view of {@code count} elements from element {@code first} of a contiguous tensor.
   *
   * @throws IndexOutOfBoundsException if the range is not inside the tensor
   */
  public Tensor slice(long first, long... extents) {
    Shape target = Shape.of(extents);
    if (!isContiguous()) {
      throw new IllegalArgumentException(
          "tensor '" + name + "' is not contiguous: it has no slice by element");
    }
    if (first < 0 || first > count() - target.count()) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' has %,d elements: [%d, %d + %d) is not inside"
              .formatted(name, count(), first, first, target.count()));
    }
    return new Tensor(
        name, dtype, target, storage, byteOffset + first * dtype.bytes(), target.cols());
  }

  // ---- elements, for set-up, tests and reports; kernels do not come here

  /** Element {@code index} in row-major order, as a double. */
  public double get(long index) {
    return load(byteOffsetOf(index));
  }

  /** Element ({@code row}, {@code col}), as a double. */
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

  /** Element {@code index} of an {@link DType#I64} tensor. */
  public long getLong(long index) {
    requireDType(DType.I64);
    long offset = byteOffsetOf(index);
    requireUsable();
    return segment().get(LONG, offset);
  }

  /** Sets element {@code index} of an {@link DType#I64} tensor. */
  public void setLong(long index, long value) {
    requireDType(DType.I64);
    long offset = byteOffsetOf(index);
    requireWritable();
    segment().set(LONG, offset, value);
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
    return switch (dtype) {
      case F32 -> segment().get(FLOAT, offset);
      case F64 -> segment().get(DOUBLE, offset);
      case I64 -> segment().get(LONG, offset);
      case BF16 -> Bf16.toFloat(segment().get(SHORT, offset));
      case U8 -> Byte.toUnsignedInt(segment().get(BYTE, offset));
    };
  }

  private void store(long offset, double value) {
    requireWritable();
    switch (dtype) {
      case F32 -> segment().set(FLOAT, offset, (float) value);
      case F64 -> segment().set(DOUBLE, offset, value);
      case I64 -> segment().set(LONG, offset, exactLong(value));
      case BF16 -> segment().set(SHORT, offset, Bf16.nearest(value));
      case U8 -> segment().set(BYTE, offset, exactByte(value));
    }
  }

  private long exactLong(double value) {
    if (value != Math.rint(value) || Math.abs(value) >= 0x1p63) {
      throw new IllegalArgumentException(
          "tensor '" + name + "' holds I64: " + value + " is not a 64-bit integer");
    }
    return (long) value;
  }

  private byte exactByte(double value) {
    int rounded = (int) value;
    if (value != rounded || rounded != Byte.toUnsignedInt((byte) rounded)) {
      throw new IllegalArgumentException(
          "tensor '" + name + "' holds U8: " + value + " is not an integer from 0 to 255");
    }
    return (byte) rounded;
  }

  /** Sets every element. */
  public Tensor fill(double value) {
    requireWritable();
    for (long row = 0; row < rows(); row++) {
      long offset = byteOffset + row * rowStride * dtype.bytes();
      for (long col = 0; col < cols; col++, offset += dtype.bytes()) {
        store(offset, value);
      }
    }
    return this;
  }

  /**
   * Copies the elements of a host tensor of the same shape, converting where the types differ: F64
   * to F32, and both to BF16, by rounding to nearest even, once; a NaN stays a NaN.
   *
   * @throws IllegalArgumentException if the shapes differ, or the memory overlaps and types or gaps
   *     between rows do not allow one block copy
   */
  public Tensor copyFrom(Tensor source) {
    requireShape(source.shape);
    source.requireUsable();
    requireWritable();
    if (dtype == source.dtype && isContiguous() && source.isContiguous()) {
      MemorySegment.copy(
          source.segment(), source.byteOffset, segment(), byteOffset, count() * dtype.bytes());
      return this;
    }
    requireDisjoint(source);
    for (long row = 0; row < rows(); row++) {
      for (long col = 0; col < cols; col++) {
        store(byteOffsetOf(row, col), source.load(source.byteOffsetOf(row, col)));
      }
    }
    return this;
  }

  /** Copies the elements from an array of the same count, in row-major order. */
  public Tensor copyFrom(double... values) {
    requireCount(values.length);
    for (int i = 0; i < values.length; i++) {
      set(i, values[i]);
    }
    return this;
  }

  /**
   * The elements in row-major order. For results of a size that fits an array.
   *
   * @throws IllegalArgumentException if they do not
   */
  public double[] toArray() {
    if (count() > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s has more elements than an array".formatted(name, shape));
    }
    double[] values = new double[(int) count()];
    for (int i = 0; i < values.length; i++) {
      values[i] = get(i);
    }
    return values;
  }

  // ---- checks: each names the tensor, what was asked and what was found

  /** Throws unless the memory is alive and the calling thread may use it. */
  public void requireUsable() {
    storage.requireUsable(name);
  }

  /** Throws unless the memory is alive, the calling thread may use it, and it is the host's. */
  public void requireHost() {
    requireUsable();
    if (segment == null) {
      throw onDevice("read or written from Java");
    }
  }

  /** Throws unless the elements may be written by the calling thread. */
  public void requireWritable() {
    requireUsable();
    if (isReadOnly()) {
      throw new IllegalArgumentException(
          "tensor '" + name + "' is in read-only memory and was to be written");
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

  /** Throws {@link IllegalArgumentException} if the tensors share a byte. */
  public void requireDisjoint(Tensor other) {
    if (overlaps(other)) {
      throw new IllegalArgumentException(
          "tensors '%s' and '%s' share memory where two separate buffers are needed"
              .formatted(name, other.name));
    }
  }

  /**
   * Whether two tensors share a byte. Views of other columns of one matrix do not; of views with
   * other row strides it is the spans from first to last element that count.
   */
  public boolean overlaps(Tensor other) {
    return start < other.end && other.start < end && sharesSpan(other);
  }

  private boolean sharesSpan(Tensor other) {
    boolean isDevice = segment == null || other.segment == null;
    if (count() == 0 || other.count() == 0 || (isDevice && storage != other.storage)) {
      return false;
    }
    long stride = rowStride * dtype.bytes();
    if (stride != other.rowStride * other.dtype.bytes()) {
      return true;
    }
    // Rows repeat every stride: where in this tensor's row, or in its gap, does the other begin?
    long begin = Math.floorMod(other.start - start, stride);
    return begin < cols * dtype.bytes() || begin + other.cols * other.dtype.bytes() > stride;
  }

  /** Whether any thread may use the memory: false if it is borrowed from a confined arena. */
  public boolean isShareable() {
    return !(storage instanceof HostStorage host) || host.isShareable();
  }

  @Override
  public String toString() {
    return "%s %s%s".formatted(name, dtype, shape);
  }
}
