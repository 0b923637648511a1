package dev.panagrad.train.checkpoint;

import dev.panagrad.optimizer.Optimizer;
import java.util.zip.CRC32C;

/**
 * A schedule is a function, of which only its rates can be seen: two are taken for the same if they
 * agree, to the last bit, in the first 1,000 steps and in some 3,000 later ones.
 */
public final class ScheduleProbe {
  private static final long FIRST_STEPS = 1000;

  private ScheduleProbe() {}

  /** A text that differs where rates do. */
  public static String of(Optimizer optimizer) {
    CRC32C sum = new CRC32C();
    long step = 0;
    while (step < 1L << 53) {
      long bits = Double.doubleToLongBits(optimizer.learningRate(step));
      for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
        sum.update((int) (bits >>> shift));
      }
      // By one, then by a hundredth.
      step += step < FIRST_STEPS ? 1 : step / 100;
    }
    return "CRC-32C of its rates %08x".formatted(sum.getValue());
  }
}
