package dev.panagrad.train.online;

import dev.panagrad.regression.Standardization;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Updates on rows of noise, which are in the units of a standardization, until they are fast. */
public final class WarmUp {
  private static final int BATCH = 1_000; // updates that are timed together
  private static final int PATIENCE = 20; // batches: a compiler takes its time beside them

  private final Standardization units;
  private final double[] row;
  private final double[] target;
  private final SplittableRandom random = new SplittableRandom(1);

  /** One update. */
  @FunctionalInterface
  public interface Update {
    void apply(double[] row, double[] target);
  }

  public WarmUp(Standardization units, int targets) {
    this.units = units;
    row = new double[units.features()];
    target = new double[targets];
    Arrays.fill(target, 1); // which every loss takes
  }

  /** Calls it until the fastest batch of calls was {@value #PATIENCE} batches ago. */
  public void run(Duration most, Update update) {
    long end = System.nanoTime() + most.toNanos();
    long fastest = Long.MAX_VALUE;
    for (int since = 0; since < PATIENCE && System.nanoTime() < end; since++) {
      long start = System.nanoTime();
      for (int i = 0; i < BATCH && System.nanoTime() < end; i++) {
        fill();
        update.apply(row, target);
      }
      long took = System.nanoTime() - start;
      if (took < 0.95 * fastest) {
        fastest = took;
        since = 0;
      }
    }
  }

  private void fill() {
    for (int c = 0; c < row.length; c++) {
      double unit = 0.1 * units.featureScale(c);
      row[c] = units.featureMean(c) + unit * (2 * random.nextDouble() - 1);
    }
  }
}
