package dev.panagrad.loss;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/**
 * Measures of how well predictions fit, by name: weighted means over rows that are added block by
 * block, so that their memory does not grow with the rows; of a measure of ranks it does, in native
 * memory and within a bound.
 *
 * <p>A measure that fails is NaN, and {@link #notes} has the reason; the others go on.
 *
 * <p>Ownership: native memory until {@link #close}. Threading: the thread that made it.
 */
public final class Metrics implements AutoCloseable {
  private final long rows;
  private final long maxBytes;
  private final Map<String, Measure> measures = new LinkedHashMap<>();
  private final Map<String, String> notes = new LinkedHashMap<>();
  private double weight;

  /** What one row adds to a mean. */
  @FunctionalInterface
  public interface RowMeasure {
    /** The measure of a prediction z, before the inverse link, for a target y. */
    double of(double z, double y);
  }

  /** What a row is from its target's expectation, with {@code of(y, y) == 0}. */
  @FunctionalInterface
  public interface Deviance {
    /** The deviance of a target y from a mean. */
    double of(double y, double mean);
  }

  /** One measure; of rows whose weights are above 0. */
  interface Measure extends AutoCloseable {
    void add(double[] z, double[] y, double[] s, int count);

    /** Its value, given the sum of all weights. */
    double value(double weight);

    @Override
    default void close() {}
  }

  /**
   * No measures yet.
   *
   * @param rows how many will be added
   * @param maxBytes of native memory
   */
  public Metrics(long rows, long maxBytes) {
    this.rows = rows;
    this.maxBytes = maxBytes;
  }

  /** The mean of what each row has. */
  public Metrics mean(String name, RowMeasure measure) {
    measures.put(name, new Mean(measure));
    return this;
  }

  /** The root of that mean. */
  public Metrics rootMean(String name, RowMeasure measure) {
    measures.put(
        name,
        new Mean(measure) {
          @Override
          public double value(double weight) {
            return Math.sqrt(super.value(weight));
          }
        });
    return this;
  }

  /** The mean of a loss. */
  public Metrics meanLoss(String name, Loss loss) {
    measures.put(name, new MeanLoss(loss));
    return this;
  }

  /**
   * The part of the targets' deviance from their mean that predictions explain, {@code 1 - sum s
   * d(y, mean(z)) / sum s d(y, mean of y)}; NaN if targets are constant.
   *
   * @param deviance a Bregman divergence: the squared difference, or one of an exponential family
   * @param mean the inverse link
   */
  public Metrics explained(String name, Deviance deviance, DoubleUnaryOperator mean) {
    measures.put(name, new Explained(deviance, mean));
    return this;
  }

  /** The area under the receiver operating characteristic; NaN if there is one class alone. */
  public Metrics areaUnderCurve(String name) {
    measures.put(name, new AreaUnderCurve(rows, maxBytes));
    return this;
  }

  /**
   * Adds rows.
   *
   * @param z predictions, before the inverse link
   * @param y targets
   * @param s weights, above 0
   * @param count how many of each, from 0
   */
  public void add(double[] z, double[] y, double[] s, int count) {
    for (int i = 0; i < count; i++) {
      weight += s[i];
    }
    measures.forEach(
        (name, measure) -> {
          if (!notes.containsKey(name)) {
            try {
              measure.add(z, y, s, count);
            } catch (RuntimeException | OutOfMemoryError e) {
              notes.put(name, String.valueOf(e.getMessage()));
              measure.close();
            }
          }
        });
  }

  /** The measures by name, in the order in which they were asked for. */
  public Map<String, Double> values() {
    Map<String, Double> values = new LinkedHashMap<>();
    measures.forEach(
        (name, measure) ->
            values.put(name, notes.containsKey(name) ? Double.NaN : measure.value(weight)));
    return values;
  }

  /** Why a measure failed, by its name. */
  public Map<String, String> notes() {
    return notes;
  }

  @Override
  public void close() {
    measures.values().forEach(Measure::close);
  }

  private static class Mean implements Measure {
    private final RowMeasure measure;
    private double sum;

    Mean(RowMeasure measure) {
      this.measure = measure;
    }

    @Override
    public void add(double[] z, double[] y, double[] s, int count) {
      for (int i = 0; i < count; i++) {
        sum += s[i] * measure.of(z[i], y[i]);
      }
    }

    @Override
    public double value(double weight) {
      return sum / weight;
    }
  }

  private static final class MeanLoss implements Measure {
    private final Loss loss;
    private double sum;

    MeanLoss(Loss loss) {
      this.loss = loss;
    }

    @Override
    public void add(double[] z, double[] y, double[] s, int count) {
      sum += loss.differentiate(Arrays.copyOf(z, count), y, s, count);
    }

    @Override
    public double value(double weight) {
      return sum / weight;
    }
  }

  /**
   * One pass by blocks. For every Bregman divergence d and the mean m of a part, {@code sum s d(y,
   * c) = sum s d(y, m) + S d(m, c)} (Banerjee et al. 2005; of squares: Chan, Golub and LeVeque
   * 1979), so that parts join without cancellation.
   */
  private static final class Explained implements Measure {
    private final Deviance deviance;
    private final DoubleUnaryOperator inverseLink;
    private double unexplained;
    private double total;
    private double mean;
    private double weight;

    Explained(Deviance deviance, DoubleUnaryOperator inverseLink) {
      this.deviance = deviance;
      this.inverseLink = inverseLink;
    }

    @Override
    public void add(double[] z, double[] y, double[] s, int count) {
      double partWeight = 0;
      double beyond = 0;
      for (int i = 0; i < count; i++) {
        unexplained += s[i] * deviance.of(y[i], inverseLink.applyAsDouble(z[i]));
        partWeight += s[i];
        // From the first, so that the mean of equal targets is exact.
        beyond += s[i] * (y[i] - y[0]);
      }
      if (partWeight == 0) {
        return;
      }
      double partMean = y[0] + beyond / partWeight;
      for (int i = 0; i < count; i++) {
        total += s[i] * deviance.of(y[i], partMean);
      }
      double all = weight + partWeight;
      double joined = weight == 0 ? partMean : mean + (partMean - mean) * (partWeight / all);
      total += partWeight * deviance.of(partMean, joined);
      total += weight == 0 ? 0 : weight * deviance.of(mean, joined);
      mean = joined;
      weight = all;
    }

    @Override
    public double value(double ofAll) {
      return total == 0 ? Double.NaN : 1 - unexplained / total;
    }
  }
}
