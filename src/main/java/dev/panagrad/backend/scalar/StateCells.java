package dev.panagrad.backend.scalar;

import dev.panagrad.rule.Block8;
import dev.panagrad.rule.RoundingBits;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.tensor.Bf16;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.ValueLayout;

/** Blocks of state in compact formats as F32, by the definition of the formats. */
final class StateCells {
  private StateCells() {}

  /** Reads block {@code b} of a slot. */
  static void read(
      StateFormat format, Tensor[] slots, int slot, boolean isNonNegative, long b, float[] block) {
    if (format == StateFormat.BF16) {
      Tensor t = slots[slot];
      for (int j = 0; j < StateFormat.BLOCK; j++) {
        long at = t.byteOffset() + (b * StateFormat.BLOCK + j) * Short.BYTES;
        block[j] = Bf16.toFloat(t.segment().get(ValueLayout.JAVA_SHORT, at));
      }
      return;
    }
    Tensor codes = slots[2 * slot];
    Tensor scales = slots[2 * slot + 1];
    float scale =
        scales.segment().get(ValueLayout.JAVA_FLOAT, scales.byteOffset() + b * Float.BYTES);
    for (int j = 0; j < StateFormat.BLOCK; j++) {
      byte code = codes.segment().get(ValueLayout.JAVA_BYTE, codeAt(codes, b, j));
      block[j] = Block8.decode(Byte.toUnsignedInt(code), scale, isNonNegative);
    }
  }

  /** Rounds a block by the bits of that step, and writes it. */
  static void write(
      StateFormat format,
      Tensor[] slots,
      int slot,
      boolean isNonNegative,
      long b,
      float[] block,
      long step) {
    int key = RoundingBits.key(step, slot, b);
    if (format == StateFormat.BF16) {
      Tensor t = slots[slot];
      for (int j = 0; j < StateFormat.BLOCK; j++) {
        long at = t.byteOffset() + (b * StateFormat.BLOCK + j) * Short.BYTES;
        short bits = RoundingBits.toBf16(block[j], RoundingBits.bits(key, j));
        t.segment().set(ValueLayout.JAVA_SHORT, at, bits);
      }
      return;
    }
    int largest = 0;
    for (float x : block) {
      largest = Math.max(largest, Float.floatToRawIntBits(x) & Block8.MAGNITUDE);
    }
    float scale = Block8.scale(largest, isNonNegative);
    Tensor codes = slots[2 * slot];
    Tensor scales = slots[2 * slot + 1];
    scales.segment().set(ValueLayout.JAVA_FLOAT, scales.byteOffset() + b * Float.BYTES, scale);
    for (int j = 0; j < StateFormat.BLOCK; j++) {
      int code = Block8.encode(block[j], scale, isNonNegative, RoundingBits.bits(key, j));
      codes.segment().set(ValueLayout.JAVA_BYTE, codeAt(codes, b, j), (byte) code);
    }
  }

  private static long codeAt(Tensor codes, long b, int j) {
    return codes.byteOffset() + b * StateFormat.BLOCK + Block8.position(j);
  }
}
