package dev.panagrad.backend;

import java.util.Locale;

/**
 * Says in which precision a device computes matrix products of F32 tensors. Sums are in F32 in each
 * mode; what differs is how operands are rounded first. It is never chosen silently.
 *
 * <p>Host backends compute in F32 always. F64 products are in F64 in each mode.
 */
public enum MathMode {
  /** Operands stay as they are, with 24 bits of significand. */
  F32,
  /** Operands are rounded to TF32, 11 bits: a product's relative error is about 2^-11. */
  TF32,
  /** Operands are rounded to bfloat16, 8 bits: a product's relative error is about 2^-8. */
  BF16;

  /**
   * Returns the mode of that name, in any case.
   *
   * @throws IllegalArgumentException if there is none, naming those there are
   */
  public static MathMode of(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "f32" -> F32;
      case "tf32" -> TF32;
      case "bf16" -> BF16;
      default ->
          throw new IllegalArgumentException("math must be f32, tf32 or bf16, found " + name);
    };
  }
}
