package dev.panagrad.tensor;

/** Elements of a tensor have this type, in native byte order. */
public enum DType {
  F32(Float.BYTES, Float.MIN_NORMAL),
  F64(Double.BYTES, Double.MIN_NORMAL),
  /** Signed 64-bit integers are row indices, never parameters. */
  I64(Long.BYTES, 1),
  /** BF16 is the upper half of an F32, {@link Bf16}: storage, which no kernel computes on. */
  BF16(Short.BYTES, Float.MIN_NORMAL),
  /** Unsigned 8-bit integers are codes of optimizer state, which no kernel computes on. */
  U8(Byte.BYTES, 1);

  private final int bytes;
  private final double minNormal;

  DType(int bytes, double minNormal) {
    this.bytes = bytes;
    this.minNormal = minNormal;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Returns the smallest positive value that is not subnormal. */
  public double minNormal() {
    return minNormal;
  }

  /** True if kernels compute on the type: F32 and F64. */
  public boolean isFloating() {
    return this == F32 || this == F64;
  }
}
