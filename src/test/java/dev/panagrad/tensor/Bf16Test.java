package dev.panagrad.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Rounding to sixteen bits, over all of them. */
class Bf16Test {
  private static final int PATTERNS = 1 << 16;

  @Test
  void everyPatternStaysWhatItIs() {
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
      short bits = (short) pattern;
      float value = Bf16.toFloat(bits);
      assertEquals(pattern << 16, Float.floatToRawIntBits(value));
      // A NaN that was not quiet becomes so.
      short expected = Float.isNaN(value) ? (short) (pattern | 0x40) : bits;
      assertEquals(expected, Bf16.nearest(value));
      assertEquals(expected, Bf16.nearest((double) value));
    }
  }

  /** Halfway between each number and the next: to the even one, and to the nearer beside it. */
  @Test
  void tiesAndTheirNeighbors() {
    for (int pattern = 0; pattern < 0x7f80; pattern++) {
      for (int sign : new int[] {0, 0x8000}) {
        int below = pattern | sign;
        int half = (below << 16) + 0x8000;
        int even = below + (below & 1);
        assertEquals((short) even, Bf16.nearest(Float.intBitsToFloat(half)));
        assertEquals((short) below, Bf16.nearest(Float.intBitsToFloat(half - 1)));
        assertEquals((short) (below + 1), Bf16.nearest(Float.intBitsToFloat(half + 1)));
        double tie = Float.intBitsToFloat(half);
        assertEquals((short) even, Bf16.nearest(tie));
        if (pattern > 0) {
          // So near that an F32 does not tell it from the tie.
          assertEquals((short) (below + 1), Bf16.nearest(tie * (1 + 0x1p-52)));
          assertEquals((short) below, Bf16.nearest(tie * (1 - 0x1p-52)));
        }
      }
    }
  }

  @Test
  void notANumberAndInfinity() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 100_000; i++) {
      int bits = random.nextInt() | 0x7f800000;
      float value = Float.intBitsToFloat(bits);
      float kept = Bf16.toFloat(Bf16.nearest(value));
      assertEquals(Float.isNaN(value), Float.isNaN(kept));
      assertEquals(bits >>> 31, Float.floatToRawIntBits(kept) >>> 31);
    }
    assertEquals((short) 0x7f80, Bf16.nearest(Float.POSITIVE_INFINITY));
    assertEquals((short) 0xff80, Bf16.nearest(Double.NEGATIVE_INFINITY));
    assertEquals((short) 0x7f80, Bf16.nearest(Float.MAX_VALUE));
    assertEquals((short) 0x7f80, Bf16.nearest(1e300));
    assertTrue(Float.isNaN(Bf16.toFloat(Bf16.nearest(Double.NaN))));
    assertEquals((short) 0x8000, Bf16.nearest(-0.0));
    assertEquals((short) 0, Bf16.nearest(Double.MIN_VALUE));
  }

  @Test
  void tensors() {
    try (TensorArena arena = TensorArena.open("bf16")) {
      Tensor x = arena.allocate("x", DType.F32, 3, 5);
      for (long i = 0; i < x.count(); i++) {
        x.set(i, 1 + i / 512.0);
      }
      Tensor half = arena.allocate("half", DType.BF16, 3, 5).copyFrom(x);
      Tensor back = arena.allocate("back", DType.F64, 3, 5).copyFrom(half);
      for (long i = 0; i < x.count(); i++) {
        assertEquals(1 + Math.rint(i / 4.0) / 128, half.get(i));
      }
      assertArrayEquals(half.toArray(), back.toArray());
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> Parameters.layout().add("h", 15).over(half));
      assertTrue(e.getMessage().contains("h"), e.getMessage());
      Tensor codes = arena.allocate("codes", DType.U8, 2);
      codes.set(0, 255);
      assertEquals(255, codes.get(0));
      for (double wrong : new double[] {-1, 256, 0.5, Double.NaN}) {
        e = assertThrows(IllegalArgumentException.class, () -> codes.set(1, wrong));
        assertTrue(e.getMessage().contains("0 to 255"), e.getMessage());
      }
    }
  }
}
