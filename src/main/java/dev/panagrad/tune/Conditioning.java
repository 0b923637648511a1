package dev.panagrad.tune;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.solver.Lanczos;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Says how hard the features make least squares for gradient methods, raw and standardized.
 *
 * <p>Condition numbers are those of X^T X with a column of ones for the intercept, over the columns
 * that vary, about the number of steps that plain descent needs for each digit. They and the
 * correlations cost n d^2 multiply-adds, and are left out above 512 features or 4e10 of those.
 *
 * @param raw the condition number in raw units; infinite if rounding leaves nothing of the smallest
 *     eigenvalue, NaN if it was not computed
 * @param standardized the same of standardized features
 * @param constant features that are constant
 * @param repeats pairs of features that are nearly multiples of each other
 * @param smallest the feature with the smallest standard deviation that is not zero; null if none
 *     varies
 * @param largest the feature with the largest
 * @param scaleRange the ratio of the two deviations; NaN if no feature varies
 */
public record Conditioning(
    double raw,
    double standardized,
    List<String> constant,
    List<Repeat> repeats,
    String smallest,
    String largest,
    double scaleRange) {
  /** One of two columns hardly says anything new from this correlation on, of either sign. */
  public static final double NEARLY_ONE = 0.999;

  private static final double WORTHWHILE = 10; // ratio of condition numbers that ends the choice
  private static final int MAX_FEATURES = 512;
  private static final double MAX_PRODUCTS = 4e10;
  private static final int MAX_SHOWN = 5;

  public Conditioning {
    constant = List.copyOf(constant);
    repeats = List.copyOf(repeats);
  }

  /** Holds two features and their correlation, between -1 and 1. */
  public record Repeat(String first, String second, double correlation) {}

  /**
   * Looks at the features of data in raw units, in host memory, for models with an intercept. The
   * host computes for a backend without host memory.
   */
  public static Conditioning of(Dataset data, Backend backend) {
    if (!backend.usesHostMemory()) {
      try (Backend host = Backends.openHost(BackendOptions.defaults())) {
        return of(data, host);
      }
    }
    try (TensorArena arena = TensorArena.open("conditioning")) {
      return of(data, arena, backend);
    }
  }

  private static Conditioning of(Dataset data, TensorArena arena, Backend backend) {
    Standardization units = Standardization.fit(data.x(), data.y(), null, data.rows(), true);
    List<String> names = data.features();
    int[] varying = IntStream.range(0, names.size()).filter(f -> !units.isConstant(f)).toArray();
    List<String> constant =
        IntStream.range(0, names.size()).filter(units::isConstant).mapToObj(names::get).toList();
    int low = -1;
    int high = -1;
    for (int f : varying) {
      low = low < 0 || units.featureScale(f) < units.featureScale(low) ? f : low;
      high = high < 0 || units.featureScale(f) > units.featureScale(high) ? f : high;
    }
    double d = names.size();
    boolean isFormed = d <= MAX_FEATURES && data.rows() * d * d <= MAX_PRODUCTS;
    double raw = Double.NaN;
    double standardized = Double.NaN;
    List<Repeat> repeats = new ArrayList<>();
    if (isFormed && varying.length > 0) {
      NormalEquations equations = equations(data, arena, backend);
      raw = condition(equations, varying, names.size());
      Dataset copy = data.copy(arena);
      units.applyInPlace(copy.x(), copy.y());
      equations = equations(copy, arena, backend);
      standardized = condition(equations, varying, names.size());
      repeats = repeats(equations, varying, names);
    }
    return new Conditioning(
        raw,
        standardized,
        constant,
        repeats,
        low < 0 ? null : names.get(low),
        high < 0 ? null : names.get(high),
        low < 0 ? Double.NaN : units.featureScale(high) / units.featureScale(low));
  }

  private static NormalEquations equations(Dataset data, TensorArena arena, Backend backend) {
    return NormalEquations.of(backend, arena, data.x(), data.y(), true);
  }

  /** The condition number over the columns that vary and the intercept's. */
  private static double condition(NormalEquations equations, int[] varying, int features) {
    int size = varying.length + 1;
    double[] in = new double[features + 1];
    double[] out = new double[features + 1];
    Lanczos.Spectrum spectrum;
    try {
      spectrum =
          Lanczos.extremes(
              (v, product) -> {
                Arrays.fill(in, 0);
                for (int i = 0; i < varying.length; i++) {
                  in[varying[i]] = v[i];
                }
                in[features] = v[size - 1];
                equations.multiplyHessian(in, out);
                for (int i = 0; i < varying.length; i++) {
                  product[i] = out[varying[i]];
                }
                product[size - 1] = out[features];
              },
              size,
              size,
              0);
    } catch (ArithmeticException _) {
      return Double.NaN; // squares of raw values overflow
    }
    double rounding = 8 * size * Math.ulp(1.0) * spectrum.largest();
    return spectrum.smallest() > rounding
        ? spectrum.largest() / spectrum.smallest()
        : Double.POSITIVE_INFINITY;
  }

  /** A column of the Hessian of standardized rows is twice the correlations with one feature. */
  private static List<Repeat> repeats(
      NormalEquations equations, int[] varying, List<String> names) {
    List<Repeat> found = new ArrayList<>();
    double[] in = new double[names.size() + 1];
    double[] out = new double[names.size() + 1];
    for (int f : varying) {
      in[f] = 1;
      equations.multiplyHessian(in, out);
      in[f] = 0;
      for (int other : varying) {
        double correlation = out[other] / 2;
        if (other > f && Math.abs(correlation) > NEARLY_ONE) {
          found.add(new Repeat(names.get(f), names.get(other), Math.clamp(correlation, -1.0, 1.0)));
        }
      }
    }
    return found;
  }

  /** Returns sentences of advice. */
  public List<String> words() {
    List<String> words = new ArrayList<>();
    if (scaleRange > 1) {
      words.add(
          String.format(
              Locale.ROOT,
              "scales: deviations of features are up to 1 : %.3g apart, '%s' and '%s'",
              scaleRange,
              Excerpt.of(smallest),
              Excerpt.of(largest)));
    }
    words.add("standardization: " + standardizationWords());
    if (standardized >= Certificate.ILL_CONDITIONED) {
      words.add(
          "ill-conditioned: standardizing is not enough; consider an L2 penalty, or dropping features that depend on others");
    }
    if (!constant.isEmpty()) {
      words.add("constant columns, which can be dropped: " + Excerpt.of(constant));
    }
    for (Repeat repeat : repeats.subList(0, Math.min(repeats.size(), MAX_SHOWN))) {
      words.add(
          String.format(
              Locale.ROOT,
              "'%s' nearly repeats '%s' (correlation %.6f): drop one of them, or add an L2 penalty",
              Excerpt.of(repeat.second()),
              Excerpt.of(repeat.first()),
              repeat.correlation()));
    }
    if (repeats.size() > MAX_SHOWN) {
      words.add("and %,d more pairs that nearly repeat".formatted(repeats.size() - MAX_SHOWN));
    }
    return words;
  }

  private String standardizationWords() {
    if (Double.isNaN(standardized)) {
      return smallest == null
          ? "no feature varies; only an intercept can be learned"
          : "the condition number was not computed for this many features; keep it on, as 'train' does";
    }
    String numbers =
        "X^T X has condition number %s in raw units and %s standardized"
            .formatted(text(raw), text(standardized));
    if (standardized * WORTHWHILE <= raw || Double.isNaN(raw)) {
      return numbers + "; keep it on, as 'train' does";
    }
    return standardized <= raw
        ? numbers + "; it helps little, and costs nothing that training notices"
        : numbers
            + "; raw units are better conditioned, but rates are then in their units: compare with a training in raw units";
  }

  private static String text(double condition) {
    if (Double.isNaN(condition)) {
      return "(overflow)";
    }
    return Double.isInfinite(condition)
        ? "beyond rounding"
        : String.format(Locale.ROOT, "%.3g", condition);
  }
}
