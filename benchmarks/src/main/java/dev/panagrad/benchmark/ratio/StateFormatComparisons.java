package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Optional;

/** Optimizer steps with state in compact formats beside our own with state in F32. */
final class StateFormatComparisons {
  private static final int CHECKED_STEPS = 3;

  /**
   * By how much of the way the format may differ. Of some steps of nearly equal length, the first
   * is exact. Rounding lengthens the others by less than a third; a gradient that is tiny beside
   * its neighbors has a v that is too large after the first, which may shorten them to nothing, but
   * turns none around.
   */
  private static final double ALLOWED = 1 - 1.0 / CHECKED_STEPS;

  private static final long PARAMETER_SEED = 1;

  private StateFormatComparisons() {}

  /**
   * More parameters than caches hold.
   *
   * @param goal the time in F32 over the time in the format
   */
  static Comparison inMemory(
      StepRule rule, StateFormat format, long millions, int threads, double goal) {
    return of(rule, format, millions << 20, millions + " M", threads, goal);
  }

  /** So few parameters that they stay in a core's cache. */
  static Comparison inCache(StepRule rule, StateFormat format, int parameters) {
    return of(rule, format, parameters, "%,d".formatted(parameters), 1, Double.NaN);
  }

  private static Comparison of(
      StepRule rule, StateFormat format, long parameters, String count, int threads, double goal) {
    TensorArena memory = TensorArena.open(rule.title + " " + format);
    Tensor gradient = RandomValues.tensor(memory, "g", StepData.GRADIENT_SEED, parameters);
    return new Comparison(
        "%s state %s %s, %s".formatted(rule.title, format, count, Comparison.threadCount(threads)),
        threads,
        memory,
        () -> new Steps(rule, format, memory, gradient, threads),
        List.of(
            new Rival(
                "ours",
                "with F32 state",
                goal,
                () -> new Steps(rule, StateFormat.SAME, memory, gradient, threads))));
  }

  private static final class Steps implements Contender {
    private final StepRule rule;
    private final Backend backend;
    private final Parameters parameters;
    private final Optimizer optimizer;
    private final Tensor gradient;
    private final TensorArena memory;

    Steps(StepRule rule, StateFormat format, TensorArena memory, Tensor gradient, int threads) {
      this.rule = rule;
      this.gradient = gradient;
      this.memory = memory;
      backend = OurBackend.open(threads);
      parameters = Parameters.layout().add("p", gradient.count()).allocate(memory, "p", DType.F32);
      RandomValues.fill(parameters.flat(), PARAMETER_SEED);
      optimizer = optimizer(format);
    }

    private Optimizer optimizer(StateFormat format) {
      return Optimizer.of(rule.ours).state(format).build(parameters, backend, memory);
    }

    @Override
    public void repeat(long times) {
      for (long i = 0; i < times; i++) {
        optimizer.step(gradient);
      }
    }

    /** With new state, as what is kept of the old one is not for others to clear. */
    @Override
    public Optional<String> disagreement() {
      RandomValues.fill(parameters.flat(), PARAMETER_SEED);
      Optimizer fresh = optimizer(optimizer.stateFormat());
      for (int i = 0; i < CHECKED_STEPS; i++) {
        fresh.step(gradient);
      }
      StepReference reference = new StepReference(rule);
      for (long i = 0; i < gradient.count(); i++) {
        double start = RandomValues.at(PARAMETER_SEED, i);
        reference.run(start, RandomValues.at(StepData.GRADIENT_SEED, i), CHECKED_STEPS);
        double found = parameters.flat().get(i);
        double allowed = 1e-6 + ALLOWED * Math.abs(reference.p - start);
        if (!(Math.abs(found - reference.p) <= allowed)) {
          return Optional.of(
              "parameter %d is %.9g, expected %.9g".formatted(i, found, reference.p));
        }
      }
      return Optional.empty();
    }

    @Override
    public void close() {
      backend.close();
    }
  }
}
