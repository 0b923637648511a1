package dev.panagrad.rule;

/**
 * Gives the random bits by which state is rounded: a function of step, slot and element alone, so
 * they are the same for any number of threads, on every backend, and after a run is resumed. A
 * number is rounded by adding the upper {@code n} of the bits to it, below the last bit that is
 * kept, and cutting off {@code n} bits.
 *
 * <pre>
 *   key(step, slot, i / 16384)   upper half of a hash of the three
 *   bits(step, slot, i)          key + (i mod 16384) * 2^32 / golden ratio
 * </pre>
 *
 * Over steps, slots and blocks the bits of an element are independent and uniform, for the key is.
 * Within a block they are one random shift of evenly spread points, which is systematic sampling:
 * each element is rounded without bias, and of many equal ones the right part is rounded up, to
 * within a few. A hash per element was no better in any measurement and costs three more
 * operations.
 *
 * <p>Sources: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, for the
 * mixing function; Knuth, The art of computer programming, volume 3, section 6.4, for the multiples
 * of the golden ratio.
 */
public final class RoundingBits {
  private static final int STRIDE = 0x9E3779B1; // 2^32 over the golden ratio, odd

  private RoundingBits() {}

  /** This many elements share a key. */
  public static final int BLOCK = 1 << 14;

  /** Returns the bits, of which the upper ones are used, of an element of a flat state vector. */
  public static int of(long step, int slot, long element) {
    long z = mix(step * 0x9E3779B97F4A7C15L + slot) + element / BLOCK * 0xD1342543DE82EF95L;
    return (int) (mix(z) >>> 32) + STRIDE * (int) (element % BLOCK);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Returns the bits of the element that many after one with these bits, within a block. */
  public static int after(int bits, int elements) {
    return bits + elements * STRIDE;
  }

  /** Rounds an F32 to its upper half, or the next, by its {@link #of bits}; a NaN stays a NaN. */
  public static short toBf16(float value, int random) {
    int bits = Float.floatToRawIntBits(value);
    return (short) (Float.isNaN(value) ? (bits >>> 16) | 0x40 : (bits + (random >>> 16)) >>> 16);
  }
}
