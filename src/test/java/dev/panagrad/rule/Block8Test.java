package dev.panagrad.rule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.Bf16;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What the documentation of the compact formats promises, number by number. */
class Block8Test {
  private static final boolean[] BOTH = {false, true};

  private static int bits(double x) {
    return Float.floatToRawIntBits((float) x);
  }

  private static float kept(float x, float scale, boolean isNonNegative, int random) {
    return Block8.decode(Block8.encode(x, scale, isNonNegative, random), scale, isNonNegative);
  }

  @Test
  void everyCodeStaysWhatItIs() {
    SplittableRandom random = new SplittableRandom(1);
    for (boolean isNonNegative : BOTH) {
      for (double largest : new double[] {1, 1.9999, 1e-37, 2.9e38, 1e-20, 7}) {
        float scale = Block8.scale(bits(largest), isNonNegative);
        float last = 0;
        for (int code = 0; code < 256; code++) {
          float x = Block8.decode(code, scale, isNonNegative);
          boolean isMinusZero = !isNonNegative && code == 0x80;
          assertEquals(
              isMinusZero ? 0 : code, Block8.encode(x, scale, isNonNegative, random.nextInt()));
          int magnitude = code & Block8.largestCode(isNonNegative);
          assertTrue(magnitude == 0 ? x == 0 : Math.abs(x) >= Float.MIN_NORMAL, () -> "code " + x);
          if (magnitude > 0) {
            assertTrue(Math.abs(x) > last || magnitude == 1);
            last = Math.abs(x);
          }
        }
        assertEquals(scale, Math.abs(Block8.decode(255, scale, isNonNegative)));
      }
    }
  }

  /** One of the two neighbors, on average the number, within the promised distance. */
  @Test
  void roundingIsUnbiasedAndNear() {
    SplittableRandom random = new SplittableRandom(2);
    for (boolean isNonNegative : BOTH) {
      double unit = isNonNegative ? 0.125 : 0.25;
      float scale = Block8.scale(bits(1), isNonNegative);
      for (int i = 0; i < 2000; i++) {
        float x = (float) Math.exp(-20 * random.nextDouble());
        x = isNonNegative || random.nextBoolean() ? x : -x;
        double sum = 0;
        int draws = 1024;
        for (int k = 0; k < draws; k++) {
          // Evenly spread bits, so that the mean is exact to 1/1024 of the distance.
          float kept = kept(x, scale, isNonNegative, k << 22);
          assertTrue(Math.abs(kept - x) <= unit * Math.abs(x), x + " as " + kept);
          assertTrue(!isNonNegative || kept >= 8 / 9.0 * x - 1e-12, x + " as " + kept);
          sum += kept;
        }
        assertEquals(x, sum / draws, unit * Math.abs(x) / draws * 1.01);
      }
    }
  }

  /** What is below the smallest code: never 0 for a mean of squares, never large for any. */
  @Test
  void underflow() {
    SplittableRandom random = new SplittableRandom(3);
    for (boolean isNonNegative : BOTH) {
      float scale = Block8.scale(bits(1), isNonNegative);
      float smallest = Block8.decode(1, scale, isNonNegative);
      assertTrue(smallest <= 0x1p-31 && smallest >= 0x1p-32, "smallest " + smallest);
      for (int i = 0; i < 10_000; i++) {
        float x = (float) (smallest * Math.exp(-40 * random.nextDouble()));
        float kept = kept(x, scale, isNonNegative, random.nextInt());
        assertTrue(kept == smallest || (!isNonNegative && kept == 0), x + " as " + kept);
      }
      assertEquals(0, Block8.encode(0, scale, isNonNegative, -1));
    }
  }

  @Test
  void theLargestFits() {
    SplittableRandom random = new SplittableRandom(4);
    for (boolean isNonNegative : BOTH) {
      for (int i = 0; i < 100_000; i++) {
        float x = Float.intBitsToFloat(random.nextInt(0x7f600000));
        float scale = Block8.scale(bits(x), isNonNegative);
        assertTrue(scale >= x && scale < Float.POSITIVE_INFINITY);
        int code = Block8.encode(x, scale, isNonNegative, -1);
        assertTrue(code <= Block8.largestCode(isNonNegative), () -> x + " has code " + code);
      }
    }
  }

  @Test
  void notFinite() {
    for (boolean isNonNegative : BOTH) {
      float scale = Block8.scale(bits(Float.NaN), isNonNegative);
      assertTrue(Float.isNaN(scale));
      assertTrue(Float.isNaN(kept(1, scale, isNonNegative, 0)));
      assertEquals(0, kept(0, scale, isNonNegative, 0));
      for (float x : new float[] {Float.POSITIVE_INFINITY, Float.MAX_VALUE}) {
        float largest = Block8.scale(bits(x), isNonNegative);
        assertEquals(isNonNegative ? 3.19e38 : 2.98e38, largest, 0.01e38);
        for (int random : new int[] {0, -1}) {
          assertEquals(largest, kept(x, largest, isNonNegative, random));
          float one = kept(1, largest, isNonNegative, random);
          assertTrue(one >= 0 && one < 1e30, "kept " + one);
        }
      }
    }
    for (int bits : new int[] {0x7f800001, 0x7fffffff, 0xffffffff, 0xff800001, 0x7fc00000}) {
      assertTrue(Float.isNaN(Bf16.toFloat(RoundingBits.toBf16(Float.intBitsToFloat(bits), -1))));
    }
    assertEquals(
        Float.NEGATIVE_INFINITY, Bf16.toFloat(RoundingBits.toBf16(Float.NEGATIVE_INFINITY, -1)));
  }

  /**
   * The bits of an element over steps, and those of all elements in one, are uniform to what a
   * chi-squared statistic of 255 degrees of freedom exceeds once in 10^6 (6 standard deviations);
   * those of two elements, slots or successive steps are uncorrelated to 5 standard deviations.
   */
  @Test
  void randomBitsAreUniformAndIndependent() {
    int steps = 1 << 16;
    for (int[] at : new int[][] {{0, 0, 0}, {1, 3, 17}, {2, 1000, 255}}) {
      int[] counts = new int[256];
      double sameElement = 0;
      double otherSlot = 0;
      double otherBlock = 0;
      double before = 0;
      for (int step = 1; step <= steps; step++) {
        int bits = RoundingBits.of(step, at[0], at[1] * (long) RoundingBits.BLOCK + at[2]);
        double u = (bits >>> 1) * 0x1p-31 - 0.5;
        counts[bits >>> 24]++;
        sameElement += u * before;
        otherSlot += u * centered(step, at[0] + 1, at[1], at[2]);
        otherBlock += u * centered(step, at[0], at[1] + 1, at[2]);
        before = u;
      }
      double chi = 0;
      for (int count : counts) {
        chi += Math.pow(count - steps / 256.0, 2) / (steps / 256.0);
      }
      assertEquals(255, chi, 6 * Math.sqrt(2 * 255.0));
      double bound = 5 * Math.sqrt(steps) / 12;
      assertEquals(0, sameElement, bound);
      assertEquals(0, otherSlot, bound);
      assertEquals(0, otherBlock, bound);
    }
  }

  private static double centered(long step, int slot, long block, int j) {
    return (RoundingBits.of(step, slot, block * RoundingBits.BLOCK + j) >>> 1) * 0x1p-31 - 0.5;
  }
}
