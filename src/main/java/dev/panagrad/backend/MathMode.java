package dev.panagrad.backend;

import java.util.Locale;

/**
 * The precision in which a device may compute matrix products of F32 tensors. Sums are in F32 in
 * each mode; what differs is how operands are rounded first. Never chosen silently.
 *
 * <p>Host backends compute in F32 always. F64 products are in F64 in each mode.
 */
public enum MathMode {
  /** Operands as they are, 24 bits of significand. */
  F32,
  /** Operands rounded to TF32, 11 bits: relative error of a product about 2^-11. */
  TF32,
  /** Operands rounded to bfloat16, 8 bits: relative error of a product about 2^-8. */
  BF16;

  /**
   * The mode of that name, in any case.
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
