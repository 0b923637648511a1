package dev.panagrad.rule;

/**
 * The random bits by which state is rounded: a function of step, slot and element alone, so that
 * they are the same for any number of threads, on every backend, and after a run is resumed.
 *
 * <pre>
 *   key(step, slot, block) = upper half of mix(step, slot, block)    a hash, once per 256 elements
 *   bits(key, j)           = key + j * 2^32 / golden ratio           element j of the block
 * </pre>
 *
 * Over steps, slots and blocks the bits of an element are independent and uniform, for the key is.
 * Within a block they are one random shift of points that are spread evenly, which is systematic
 * sampling: each element is rounded without bias, and of many equal ones the right part is rounded
 * up, to within a few. A hash per element was no better in any measurement and costs three more
 * operations for each.
 *
 * <p>A number is rounded by adding the upper {@code n} of the bits to it, below the last bit that
 * is kept, and cutting off {@code n} bits.
 *
 * <p>Sources: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, for the
 * mixing function; Knuth, The art of computer programming, volume 3, section 6.4, for the multiples
 * of the golden ratio.
 */
public final class RoundingBits {
  /** 2^32 over the golden ratio, odd. */
  public static final int STRIDE = 0x9E3779B1;

  private RoundingBits() {}

  /**
   * The key of one block.
   *
   * @param step the number of the step, from 1
   * @param slot the index of the state vector
   * @param block the number of the block of {@link StateFormat#BLOCK} elements
   */
  public static int key(long step, int slot, long block) {
    long z = mix(step * 0x9E3779B97F4A7C15L + slot) + block * 0xD1342543DE82EF95L;
    return (int) (mix(z) >>> 32);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** The bits of element {@code j} of the block with that key; the upper ones are used. */
  public static int bits(int key, int j) {
    return key + j * STRIDE;
  }

  /**
   * The upper half of an F32, one of the two next to it, as {@link dev.panagrad.tensor.Bf16}. A NaN
   * stays a NaN.
   *
   * @param random its {@link #bits}
   */
  public static short toBf16(float value, int random) {
    int bits = Float.floatToRawIntBits(value);
    return (short) (Float.isNaN(value) ? (bits >>> 16) | 0x40 : (bits + (random >>> 16)) >>> 16);
  }
}
