package dev.panagrad.loss;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleSupplier;
import java.util.function.DoubleUnaryOperator;

/**
 * Measures how well predictions fit, by name: weighted means over rows that are added block by
 * block; memory grows with the rows for measures of ranks alone, off the heap and within a bound. A
 * measure that fails is NaN, and {@link #notes} has the reason; the others go on.
 *
 * <p>Ownership: native memory until {@link #close}. Threading: the thread that made it.
 */
public final class Metrics implements AutoCloseable {
  private final long rows;
  private final long maxBytes;
  private final Map<String, Measure> measures = new LinkedHashMap<>();
  private final Map<String, String> notes = new LinkedHashMap<>();
  private final double unit;
  private double weight; // of the rows so far, in that unit

  interface Measure extends AutoCloseable {
    void add(double[] z, double[] y, double[] s, int count);

    /** True if weights of any size are taken as they are, and not in the unit. */
    default boolean takesAnyWeights() {
      return false;
    }

    double value(double weight);

    @Override
    default void close() {}
  }

  /** Starts without measures, for that many rows, in at most that many bytes of native memory. */
  public Metrics(long rows, long maxBytes) {
    this(rows, maxBytes, 1);
  }

  /**
   * Starts without measures, for that many rows, in at most that many bytes of native memory.
   * Weights are summed in units of the largest, so that those from 1e-300 to 1e300 are in range.
   */
  public Metrics(long rows, long maxBytes, double largestWeight) {
    this.rows = rows;
    this.maxBytes = maxBytes;
    this.unit = largestWeight;
  }

  /** Adds the mean of a measure of a row's prediction z, before the inverse link, and target y. */
  public Metrics mean(String name, DoubleBinaryOperator measure) {
    return add(name, new Mean(sum(measure), mean -> mean));
  }

  /** Adds the root of the mean of a measure that {@link #mean} would add. */
  public Metrics rootMean(String name, DoubleBinaryOperator measure) {
    return add(name, new Mean(sum(measure), Math::sqrt));
  }

  /** Adds the mean of a loss. */
  public Metrics meanLoss(String name, Loss loss) {
    Sum sum = (z, y, s, count) -> loss.differentiate(Arrays.copyOf(z, count), y, s, count);
    return add(name, new Mean(sum, mean -> mean));
  }

  private Metrics add(String name, Measure measure) {
    measures.put(name, measure);
    return this;
  }

  /**
   * Adds the part of the targets' deviance from their mean that predictions explain, {@code 1 - sum
   * s d(y, mean(z)) / sum s d(y, mean of y)}; NaN if targets are constant. The deviance of a target
   * from a mean is a Bregman divergence: the squared difference, or one of an exponential family.
   */
  public Metrics explained(String name, DoubleBinaryOperator deviance, DoubleUnaryOperator mean) {
    return add(name, new Explained(deviance, mean));
  }

  /** Adds the area under the receiver operating characteristic; NaN if there is one class alone. */
  public Metrics areaUnderCurve(String name) {
    return add(name, new AreaUnderCurve(rows, maxBytes));
  }

  /** Adds rows: predictions z before the inverse link, targets y, weights s above 0. */
  public void add(double[] z, double[] y, double[] s, int count) {
    double[] relative = new double[count];
    for (int i = 0; i < count; i++) {
      relative[i] = s[i] / unit;
      weight += relative[i];
    }
    measures.forEach(
        (name, measure) ->
            attempt(
                name,
                () -> {
                  measure.add(z, y, measure.takesAnyWeights() ? s : relative, count);
                  return 0;
                }));
  }

  /** What a measure gives; NaN, with a note, if it fails here or has failed before. */
  private double attempt(String name, DoubleSupplier step) {
    if (!notes.containsKey(name)) {
      try {
        return step.getAsDouble();
      } catch (RuntimeException | Error e) {
        notes.put(name, Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName()));
        measures.get(name).close();
      }
    }
    return Double.NaN;
  }

  /** Returns the measures by name, in the order in which they were asked for. */
  public Map<String, Double> values() {
    Map<String, Double> values = new LinkedHashMap<>();
    measures.forEach(
        (name, measure) -> values.put(name, attempt(name, () -> measure.value(weight))));
    return values;
  }

  /** Says why a measure failed, by its name: while rows were added, or in {@link #values}. */
  public Map<String, String> notes() {
    return notes;
  }

  @Override
  public void close() {
    measures.values().forEach(Measure::close);
  }

  @FunctionalInterface
  private interface Sum {
    double of(double[] z, double[] y, double[] s, int count);
  }

  private static Sum sum(DoubleBinaryOperator measure) {
    return (z, y, s, count) -> {
      double sum = 0;
      for (int i = 0; i < count; i++) {
        sum += s[i] * measure.applyAsDouble(z[i], y[i]);
      }
      return sum;
    };
  }

  private static final class Mean implements Measure {
    private final Sum sum;
    private final DoubleUnaryOperator ofMean;
    private double total;

    Mean(Sum sum, DoubleUnaryOperator ofMean) {
      this.sum = sum;
      this.ofMean = ofMean;
    }

    @Override
    public void add(double[] z, double[] y, double[] s, int count) {
      total += sum.of(z, y, s, count);
    }

    @Override
    public double value(double weight) {
      return ofMean.applyAsDouble(total / weight);
    }
  }

  /**
   * One pass by blocks. For every Bregman divergence d and the mean m of a part, {@code sum s d(y,
   * c) = sum s d(y, m) + S d(m, c)} (Banerjee et al. 2005; of squares: Chan, Golub and LeVeque
   * 1979), so that parts join without cancellation.
   */
  private static final class Explained implements Measure {
    private final DoubleBinaryOperator deviance;
    private final DoubleUnaryOperator inverseLink;
    private double unexplained;
    private double total;
    private double mean;
    private double weight;

    Explained(DoubleBinaryOperator deviance, DoubleUnaryOperator inverseLink) {
      this.deviance = deviance;
      this.inverseLink = inverseLink;
    }

    @Override
    public void add(double[] z, double[] y, double[] s, int count) {
      double part = 0;
      double beyond = 0;
      for (int i = 0; i < count; i++) {
        unexplained += s[i] * deviance.applyAsDouble(y[i], inverseLink.applyAsDouble(z[i]));
        part += s[i];
        // From the first, so that the mean of equal targets is exact.
        beyond += s[i] * (y[i] - y[0]);
      }
      if (part == 0) {
        return;
      }
      double ofPart = y[0] + beyond / part;
      for (int i = 0; i < count; i++) {
        total += s[i] * deviance.applyAsDouble(y[i], ofPart);
      }
      double before = weight == 0 ? ofPart : mean;
      double joined = before + (ofPart - before) * (part / (weight + part));
      total += part * deviance.applyAsDouble(ofPart, joined);
      total += weight * deviance.applyAsDouble(before, joined);
      mean = joined;
      weight += part;
    }

    @Override
    public double value(double ofAll) {
      return total == 0 ? Double.NaN : 1 - unexplained / total;
    }
  }
}
