package dev.panagrad.rule;

import dev.panagrad.tensor.DType;

/**
 * Says how an optimizer keeps the state vectors of its rule between steps. A step computes in the
 * type of the parameters whatever the format is; compact formats, for F32 parameters, are rounded
 * stochastically, by {@link RoundingBits}, when it ends.
 *
 * <p><b>Why not to nearest.</b> With beta2 = 0.999 a step moves a mean of squares by up to 0.1% of
 * itself, and half a unit of BF16 is 0.2 to 0.4%: rounded to nearest it would never move again.
 * Rounded up with the probability of what is cut off, it moves by the right amount on average.
 *
 * <p><b>What it costs.</b> A mean of squares wanders: with unit {@code u} relative to the value,
 * and increments of {@code (1 - beta2) v} in random directions, a step adds a variance of {@code (1
 * - beta2) u v^2}, of which {@code 1 / (2 (1 - beta2))} steps are remembered: {@code u v^2 / 2}.
 * The root of v, and with it the length of steps, has a standard deviation of about 3% in BF16
 * ({@code u} around 1/180) and 10% in INT8_BLOCKWISE ({@code u} around 1/11). That rescales
 * coordinates and does not move the minimum. A mean of gradients is wrong by some 0.5% of its size
 * in BF16 and 16% in INT8_BLOCKWISE with beta1 or momentum 0.9, and by 1.6% and 54% with 0.99,
 * where INT8_BLOCKWISE should not be used. AMSGrad's largest v grows with the roundings: steps are
 * 3% shorter in BF16 after 30,000 of noise; INT8_BLOCKWISE {@linkplain UpdateRule#unsupportedReason
 * refuses} it, and any rule that subtracts two kept numbers from one another, of which only the
 * last digits are left, refuses both. {@link Block8} says where gradients of very different
 * magnitudes side by side are too much for it.
 *
 * <p><b>What it saves.</b> Of Adam's 28 bytes per parameter that a step reads and writes, BF16
 * leaves 20 and INT8_BLOCKWISE 16. From memory, BF16 takes 0.75 of F32's time; INT8_BLOCKWISE's
 * arithmetic takes what its bytes save, and up to 0.2 more, where a core reads 37 GB/s (16 M
 * parameters, 2 threads, 2-core AVX-512 x86, 2026-11-25): it is for the memory that the state
 * takes, a quarter, or for slower memory. In the caches F32 is faster than both.
 */
public enum StateFormat {
  /** State has exactly the type of the parameters. */
  SAME,
  /** State has one BF16 per element: half of the bytes. */
  BF16,
  /** State has a byte per element and an F32 per 256 of them, a quarter of F32: {@link Block8}. */
  INT8_BLOCKWISE;

  /** Elements of state vectors in compact formats come in blocks of so many; the last is filled. */
  public static final int BLOCK = 256;

  /** True if state is rounded between steps. */
  public boolean isCompact() {
    return this != SAME;
  }

  /** Returns the elements kept for a vector of that many: whole blocks in compact formats. */
  public long padded(long count) {
    if (count < 0 || count > Long.MAX_VALUE - BLOCK) {
      throw new IllegalArgumentException(
          "a state vector of %,d elements cannot be kept as %s".formatted(count, this));
    }
    return isCompact() ? (count + BLOCK - 1) / BLOCK * BLOCK : count;
  }

  /** Counts the tensors of one state vector: codes and scales in INT8_BLOCKWISE, else one. */
  public int tensorsPerSlot() {
    return this == INT8_BLOCKWISE ? 2 : 1;
  }

  /** Returns the element type of one of these tensors, for parameters of type {@code same}. */
  public DType dtype(int part, DType same) {
    requirePart(part);
    return switch (this) {
      case SAME -> same;
      case BF16 -> DType.BF16;
      case INT8_BLOCKWISE -> part == 0 ? DType.U8 : DType.F32;
    };
  }

  /** Returns the elements of one of these tensors for a vector of that many. */
  public long count(int part, long count) {
    return requirePart(part) == 1 ? padded(count) / BLOCK : padded(count);
  }

  /** Names one of these tensors after its slot: "m", or "m.codes" and "m.scales". */
  public String tensorName(int part, String slot) {
    requirePart(part);
    return this == INT8_BLOCKWISE ? slot + (part == 0 ? ".codes" : ".scales") : slot;
  }

  private int requirePart(int part) {
    return Checks.index("state as " + this, "tensor", part, tensorsPerSlot());
  }
}
