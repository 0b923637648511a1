package dev.panagrad.random;

import dev.panagrad.optimizer.Averaging;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.ParameterGroup;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import java.util.List;

/**
 * The options of a random optimizer. Kept apart from the builder, which tells few of them.
 *
 * @param clipNorm infinite if norms are not clipped
 */
record OptimizerOptions(
    Optimizer.Builder builder,
    double clipNorm,
    double clipValue,
    boolean isMaximizing,
    StateFormat format) {
  /**
   * Random options.
   *
   * @param patterns of groups
   */
  static OptimizerOptions of(Choices choices, List<String> patterns) {
    Optimizer.Builder builder = Optimizer.of(rule(choices));
    double clipNorm = Double.POSITIVE_INFINITY;
    double clipValue = Double.POSITIVE_INFINITY;
    StateFormat format = StateFormat.SAME;
    boolean isMaximizing = choices.oneIn(8);
    if (isMaximizing) {
      builder.maximize();
    }
    if (choices.oneIn(3)) {
      builder.penalty(penalty(choices));
    }
    if (choices.oneIn(4)) {
      clipNorm = choices.magnitude(0.01, 100);
      builder.clipNorm(clipNorm);
    }
    if (choices.oneIn(5)) {
      clipValue = choices.magnitude(0.05, 5);
      builder.clipValue(clipValue);
    }
    if (choices.oneIn(3)) {
      builder.nonFinite(choices.any(NonFinitePolicy.values()));
    }
    if (choices.oneIn(2)) {
      builder.schedule(schedule(choices));
    }
    if (choices.oneIn(4)) {
      format = choices.any(StateFormat.values());
      builder.state(format);
    }
    if (choices.oneIn(4)) {
      builder.average(
          choices.coin()
              ? Averaging.ema(choices.number(0.5, 0.9, 0.999))
              : Averaging.polyakRuppert(1 + choices.below(4)));
    }
    while (choices.oneIn(4)) {
      builder.group(group(choices, choices.from(patterns)));
    }
    return new OptimizerOptions(builder, clipNorm, clipValue, isMaximizing, format);
  }

  private static double rate(Choices choices) {
    return choices.magnitude(1e-4, 0.5);
  }

  private static double decay(Choices choices) {
    return choices.coin() ? 0 : choices.magnitude(1e-3, 0.3);
  }

  private static double beta(Choices choices) {
    return choices.number(0, 0.5, 0.9, 0.99, 0.999);
  }

  static UpdateRule rule(Choices choices) {
    double rate = rate(choices);
    return switch (choices.below(8)) {
      case 0 -> new GradientDescent(rate);
      case 1 -> {
        boolean isNesterov = choices.oneIn(3);
        double dampening = isNesterov || choices.coin() ? 0 : 0.3;
        Sgd sgd = Sgd.of(rate).withMomentum(isNesterov ? 0.9 : beta(choices));
        sgd = sgd.withDampening(dampening).withWeightDecay(decay(choices));
        yield isNesterov ? sgd.withNesterov() : sgd;
      }
      case 2 -> Adam.adamW(rate).withBetas(beta(choices), beta(choices));
      case 3 -> {
        Adam adam = Adam.of(rate).withWeightDecay(decay(choices));
        adam = adam.withEpsilon(choices.number(1e-8, 1e-6, 0.1, 1e-40, 1e-300));
        yield choices.coin() ? adam.withAmsgrad() : adam;
      }
      case 4 -> {
        RmsProp rule = RmsProp.of(rate).withAlpha(choices.number(0.5, 0.9, 0.99));
        rule = rule.withMomentum(beta(choices)).withWeightDecay(decay(choices));
        yield choices.coin() ? rule.withCentering() : rule;
      }
      case 5 ->
          Lion.of(rate).withBetas(beta(choices), beta(choices)).withWeightDecay(decay(choices));
      case 6 ->
          choices.coin()
              ? NAdam.of(rate).withWeightDecay(decay(choices))
              : NAdam.of(rate).withDecoupledWeightDecay(decay(choices)).withBetas(0.8, 0.95);
      default ->
          Adagrad.of(rate)
              .withRateDecay(decay(choices))
              .withInitialAccumulator(choices.number(0, 0.1, 1))
              .withWeightDecay(decay(choices));
    };
  }

  static Penalty penalty(Choices choices) {
    double l1 = choices.coin() ? 0 : choices.magnitude(1e-3, 0.5);
    double l2 = choices.coin() ? 0 : choices.magnitude(1e-3, 0.5);
    return new Penalty(l1, l2);
  }

  static Schedule schedule(Choices choices) {
    long length = 1 + choices.below(20L);
    return switch (choices.below(11)) {
      case 0 -> Schedule.constant();
      case 1 -> Schedule.step(length, 0.5);
      case 2 -> Schedule.exponential(choices.number(0.5, 0.99, 1.1));
      case 3 -> Schedule.inverseTime(0.1);
      case 4 -> Schedule.linear(length, choices.number(0, 0.1), choices.number(0, 1));
      case 5 -> Schedule.warmup(length).then(Schedule.cosine(length, 0));
      case 6 -> Schedule.cosineRestarts(length, choices.number(1, 1.5, 2), 1e-6);
      case 7 -> Schedule.polynomial(length, 2, 0);
      case 8 -> Schedule.oneCycle(length, choices.number(0, 0.3, 0.9), 25, 1e4);
      case 9 -> Schedule.constant().lasting(length).then(Schedule.exponential(0.9));
      default -> {
        double bad = choices.number(Double.NaN, -1e-3, Double.POSITIVE_INFINITY);
        yield (step, base) -> step == length ? bad : base;
      }
    };
  }

  private static ParameterGroup group(Choices choices, String pattern) {
    ParameterGroup group = ParameterGroup.of(pattern);
    if (choices.coin()) {
      group = group.rateFactor(choices.number(0, 0.1, 1, 3));
    }
    if (choices.coin()) {
      group = group.weightDecay(decay(choices));
    }
    return choices.oneIn(3) ? group.penalty(penalty(choices)) : group;
  }
}
