package dev.panagrad.train.online;

import java.util.Arrays;

/**
 * Judges batches before their step, by their loss and by the squared length of their gradient.
 *
 * <pre>
 *   refused    loss      > factor * max(mean loss,           share * mean loss of zeros)
 *         or   gradient  > factor * max(mean of gradients,   share * mean of gradients at zeros)
 * </pre>
 *
 * <p>Means are over accepted batches: plain ones at first, then with a memory of {@value #MEMORY}.
 * They fall at once where {@value #BLOCK} batches in a row lie far below them, so that a bad start
 * does not leave a loose bound. A squared length grows as the square of an error, so a factor of
 * 1,000 refuses what is 32 times as large as usual. A step is the gradient times what the rule
 * makes of it; no rule survives gradients of another order of magnitude (Adam's second moment
 * remembers one of 1e6 for 14,000 steps). The losses of a model of zeros on the same rows keep the
 * bound of a model that fits nearly exactly from shrinking to nothing; with a link their share is
 * 1, since one event of a rare class has a gradient of that size however good the model is.
 *
 * <p>The first batches have nothing to be compared with but each other. Until there are {@value
 * #START}, gradients at zeros are: they do not depend on what was learned. One beyond the factor
 * times their median is refused; once there are five, one that was accepted earlier is seen too.
 *
 * <p>A refusal counts 1, an acceptance takes {@value #FORGIVEN} back: a stream of which more than a
 * tenth is refused reaches the limit of refusals, and is another stream then. The bounds begin anew
 * at the geometric means of what was refused, which one enormous value does not carry away.
 *
 * <p>A training diverges where the recent losses are beyond the factor times the first one and
 * those of zeros.
 *
 * <p>Everything that it remembers is in one array, so that it can be copied and written. Threading:
 * one thread at a time. No judgment allocates.
 */
public final class RowGuard {
  /** What is to be done with a batch. */
  public enum Verdict {
    ACCEPTED,
    /** The batch is far outside; the parameters are as good as before. */
    REFUSED,
    /** Refused as the last of so many that the parameters or the stream have changed. */
    CHANGED,
    /** The losses have grown beyond recovery. */
    DIVERGED,
    /** One of the first batches was far outside, which only later ones show. */
    BAD_START
  }

  private static final int START = 8;
  private static final int JUDGED_BACKWARDS = 5; // of which two may be bad
  private static final int SAMPLED = 16; // after the start, one batch in so many
  private static final int MEMORY = 4096;
  private static final int BLOCK = 64;
  private static final int RECENT = 16;
  private static final double FALL = 1e4; // that a mean may be above that of a block
  private static final double FORGIVEN = 0.1;
  private static final double WORSE = 100; // squares: ten times the error

  // Places in the array.
  private static final int ACCEPTED = 0; // batches since the bounds were learned
  private static final int LOSS = 1;
  private static final int GRADIENT = 2;
  private static final int BLOCK_LOSS = 3;
  private static final int BLOCK_GRADIENT = 4;
  private static final int BLOCK_COUNT = 5;
  private static final int SAMPLES = 6; // of zeros
  private static final int ZERO_LOSS = 7;
  private static final int ZERO_GRADIENT = 8;
  private static final int FIRST_LOSS = 9;
  private static final int RECENT_LOSS = 10;
  private static final int REFUSALS = 11;
  private static final int RUN = 12; // refused ones with finite numbers since the last calm
  private static final int RUN_LOSS = 13; // sums of logarithms
  private static final int RUN_GRADIENT = 14;
  private static final int SEEN = 15; // in the start
  private static final int LARGEST = 16; // gradient at zeros that was accepted in the start
  private static final int SIZES = 17; // of the start, ascending

  /** The numbers that it remembers. */
  public static final int NUMBERS = SIZES + START;

  private final double factor;
  private final double share;
  private final double limit;
  private final double[] at = new double[NUMBERS];

  /**
   * A guard that has seen nothing.
   *
   * @param factor above which multiple of the usual a batch is refused
   * @param share of the losses of zeros that counts as usual
   * @param limit refusals after which the stream is another one
   */
  public RowGuard(double factor, double share, long limit) {
    this.factor = factor;
    this.share = share;
    this.limit = limit;
  }

  /** True if the next judgment needs the loss and gradient of a model of zeros. */
  public boolean wantsZeros() {
    return at[SEEN] < START || at[ACCEPTED] < START || at[ACCEPTED] % SAMPLED == 0;
  }

  /**
   * Judges a batch, and counts it.
   *
   * @param loss before the step
   * @param gradient its squared length
   * @param zeroLoss loss of a model of zeros; ignored unless wanted
   * @param zeroGradient squared length of the gradient of a model of zeros
   */
  public Verdict judge(double loss, double gradient, double zeroLoss, double zeroGradient) {
    boolean isWanted = wantsZeros();
    Verdict start = at[SEEN] < START ? start(zeroGradient) : Verdict.ACCEPTED;
    if (start == Verdict.BAD_START) {
      return start;
    }
    if (start == Verdict.REFUSED || !isUsual(loss, gradient, zeroLoss, zeroGradient)) {
      return refused(loss, gradient);
    }
    if (isWanted) {
      double samples = Math.min(++at[SAMPLES], (double) MEMORY / SAMPLED);
      at[ZERO_LOSS] += (zeroLoss - at[ZERO_LOSS]) / samples;
      at[ZERO_GRADIENT] += (zeroGradient - at[ZERO_GRADIENT]) / samples;
    }
    double recent = at[ACCEPTED] == 0 ? loss : at[RECENT_LOSS];
    at[RECENT_LOSS] = recent + (Math.max(loss, 0) - recent) / RECENT;
    if (at[ACCEPTED] == 0) {
      at[FIRST_LOSS] = at[RECENT_LOSS];
    }
    if (isRecentAbove(factor)) {
      return Verdict.DIVERGED;
    }
    accept(Math.max(loss, 0), gradient);
    return Verdict.ACCEPTED;
  }

  private Verdict start(double zeroGradient) {
    if (!Double.isFinite(zeroGradient)) {
      return Verdict.REFUSED;
    }
    int place = (int) at[SEEN];
    while (place > 0 && at[SIZES + place - 1] > zeroGradient) {
      at[SIZES + place] = at[SIZES + place - 1];
      place--;
    }
    at[SIZES + place] = zeroGradient;
    at[SEEN]++;
    double most = factor * at[SIZES + (int) (at[SEEN] - 1) / 2];
    if (most == 0) {
      return Verdict.ACCEPTED;
    }
    if (at[SEEN] >= JUDGED_BACKWARDS && at[LARGEST] > most) {
      return Verdict.BAD_START;
    }
    if (at[SEEN] > 2 && zeroGradient > most) {
      return Verdict.REFUSED;
    }
    at[LARGEST] = Math.max(at[LARGEST], zeroGradient);
    return Verdict.ACCEPTED;
  }

  /** True if a batch would be accepted by the bounds as they are; nothing is counted. */
  public boolean isUsual(double loss, double gradient, double zeroLoss, double zeroGradient) {
    if (!Double.isFinite(loss) || !Double.isFinite(gradient)) {
      return false;
    }
    if (at[ACCEPTED] == 0) {
      return true;
    }
    boolean isStart = at[ACCEPTED] < START;
    double usualLoss = isStart ? Math.max(at[ZERO_LOSS], zeroLoss) : share * at[ZERO_LOSS];
    double usualGradient =
        isStart ? Math.max(at[ZERO_GRADIENT], zeroGradient) : share * at[ZERO_GRADIENT];
    return loss <= factor * Math.max(at[LOSS], usualLoss)
        && gradient <= factor * Math.max(at[GRADIENT], usualGradient);
  }

  private Verdict refused(double loss, double gradient) {
    if (!Double.isFinite(loss) || !Double.isFinite(gradient)) {
      return Verdict.REFUSED; // by no stream are these learned
    }
    at[REFUSALS]++;
    at[RUN]++;
    at[RUN_LOSS] += Math.log(Math.max(loss, Double.MIN_NORMAL));
    at[RUN_GRADIENT] += Math.log(Math.max(gradient, Double.MIN_NORMAL));
    return at[REFUSALS] >= limit ? Verdict.CHANGED : Verdict.REFUSED;
  }

  private void accept(double loss, double gradient) {
    at[ACCEPTED]++;
    at[REFUSALS] = Math.max(at[REFUSALS] - FORGIVEN, 0);
    if (at[REFUSALS] == 0) {
      at[RUN] = at[RUN_LOSS] = at[RUN_GRADIENT] = 0;
    }
    double count = Math.min(at[ACCEPTED], MEMORY);
    at[LOSS] += (loss - at[LOSS]) / count;
    at[GRADIENT] += (gradient - at[GRADIENT]) / count;
    at[BLOCK_LOSS] += loss / BLOCK;
    at[BLOCK_GRADIENT] += gradient / BLOCK;
    if (++at[BLOCK_COUNT] == BLOCK) {
      at[LOSS] = Math.min(at[LOSS], FALL * at[BLOCK_LOSS]);
      at[GRADIENT] = Math.min(at[GRADIENT], FALL * at[BLOCK_GRADIENT]);
      at[BLOCK_COUNT] = at[BLOCK_LOSS] = at[BLOCK_GRADIENT] = 0;
    }
  }

  private boolean isRecentAbove(double multiple) {
    return at[RECENT_LOSS] > multiple * Math.max(at[FIRST_LOSS], at[ZERO_LOSS]);
  }

  /** True if recent losses are far above the first one and those of zeros. */
  public boolean isWorseThanNone() {
    return isRecentAbove(WORSE);
  }

  /** True after an accepted batch that ended a block without many refusals. */
  public boolean isCalm() {
    return at[BLOCK_COUNT] == 0 && at[ACCEPTED] > 0 && at[REFUSALS] < START;
  }

  /** The losses of accepted batches, averaged. */
  public double meanLoss() {
    return at[LOSS];
  }

  /** The squared lengths of their gradients, averaged. */
  public double meanGradient() {
    return at[GRADIENT];
  }

  /** Makes what was refused the usual; forgets the refusals. */
  public void learnAnew() {
    if (at[RUN] > 0) {
      at[LOSS] = Math.exp(at[RUN_LOSS] / at[RUN]);
      at[GRADIENT] = Math.exp(at[RUN_GRADIENT] / at[RUN]);
      at[FIRST_LOSS] = at[RECENT_LOSS] = at[LOSS];
      at[ACCEPTED] = START; // as if of so many: later ones soon count more
      at[SAMPLES] = Math.min(at[SAMPLES], 1);
      at[SEEN] = START;
    }
    at[BLOCK_COUNT] = at[BLOCK_LOSS] = at[BLOCK_GRADIENT] = 0;
    forgive();
  }

  /** Forgets refusals, and keeps the bounds. */
  public void forgive() {
    at[REFUSALS] = at[RUN] = at[RUN_LOSS] = at[RUN_GRADIENT] = 0;
  }

  /** After a bad start: the bounds begin anew, and the sizes of the first batches are known. */
  public void startAgain() {
    Arrays.fill(at, ACCEPTED, SEEN, 0);
    at[LARGEST] = 0;
  }

  public void reset() {
    Arrays.fill(at, 0);
  }

  /** A copy of all that it remembers. */
  public double[] memory() {
    return at.clone();
  }

  /** Writes what it remembers into an array of {@link #NUMBERS}. */
  public void copyTo(double[] memory) {
    System.arraycopy(at, 0, memory, 0, at.length);
  }

  /** True for numbers that a guard may have remembered. */
  static boolean isMemory(double[] numbers) {
    double seen = numbers[SEEN];
    return seen == Math.rint(seen) && seen >= 0 && seen <= START && numbers[ACCEPTED] >= 0;
  }

  /** Remembers what {@link #memory} gave. */
  public void restore(double[] memory) {
    System.arraycopy(memory, 0, at, 0, at.length);
  }
}
