package dev.panagrad.cli;

import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Exact;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.stream.Collectors;

/** The optimizers and methods of the command line, with the options that each one has. */
@SuppressWarnings("ImmutableEnumChecker") // Solvers and factories are stateless.
enum MethodName {
  GD(0.1, "", (r, o) -> new GradientDescent(r)),
  SGD(
      0.01,
      "--momentum --dampening --nesterov --weight-decay",
      (r, o) ->
          new Sgd(r, or(o.momentum, 0), or(o.dampening, 0), o.nesterov, or(o.weightDecay, 0))),
  ADAM(0.01, "--beta1 --beta2 --epsilon --amsgrad --weight-decay", (r, o) -> adam(r, o, 0, false)),
  ADAMW(
      0.01, "--beta1 --beta2 --epsilon --amsgrad --weight-decay", (r, o) -> adam(r, o, 0.01, true)),
  RMSPROP(
      0.01,
      "--momentum --epsilon --alpha --centered --weight-decay",
      (r, o) ->
          new RmsProp(r, or(o.alpha, 0.99), epsilon(o), or(o.momentum, 0), o.centered, decay(o))),
  LION(
      0.001,
      "--beta1 --beta2 --weight-decay",
      (r, o) -> new Lion(r, or(o.beta1, 0.9), or(o.beta2, 0.99), decay(o))),
  NADAM(
      0.01,
      "--beta1 --beta2 --epsilon --weight-decay",
      (r, o) -> new NAdam(r, or(o.beta1, 0.9), beta2(o), epsilon(o), 4e-3, decay(o), false)),
  ADAGRAD(
      0.1,
      "--epsilon --weight-decay",
      (r, o) -> new Adagrad(r, 0, 0, or(o.epsilon, 1e-10), decay(o))),
  AUTO(new Exact()), // stands for what TrainingOptions#choose takes
  EXACT(new Exact()),
  FISTA(new Fista()),
  LBFGS(new Lbfgs()),
  CG(new ConjugateGradient());
  // Options that some optimizers have, and others not.
  private static final List<String> OF_RULES =
      words(
          "--momentum --dampening --nesterov --beta1 --beta2 --epsilon --alpha --centered --amsgrad --weight-decay");
  // Options that all optimizers have, and no method that looks at all rows in every step.
  private static final List<String> OF_OPTIMIZERS =
      words("--learning-rate --schedule --clip-norm --clip-value --average --state");

  // Options of what iterates, which a direct solution does not.
  private static final List<String> OF_ITERATIONS = words("--epochs --tolerance --patience --init");

  final double learningRate; // the default learning rate, for standardized data; NaN for a solver
  final Solver solver; // null for an optimizer
  private final List<String> options;
  private final BiFunction<Double, TrainingOptions, UpdateRule> factory;

  MethodName(
      double learningRate,
      String options,
      BiFunction<Double, TrainingOptions, UpdateRule> factory) {
    this.learningRate = learningRate;
    this.options = words(options);
    this.factory = factory;
    this.solver = null;
  }

  MethodName(Solver solver) {
    this.learningRate = Double.NaN;
    this.options = List.of();
    this.factory = null;
    this.solver = solver;
  }

  private static Adam adam(double rate, TrainingOptions o, double decay, boolean isDecoupled) {
    double decays = or(o.weightDecay, decay);
    return new Adam(rate, or(o.beta1, 0.9), beta2(o), epsilon(o), decays, isDecoupled, o.amsgrad);
  }

  private static List<String> words(String text) {
    return List.of(text.split(" ", -1));
  }

  private static double beta2(TrainingOptions o) {
    return or(o.beta2, 0.999);
  }

  private static double epsilon(TrainingOptions o) {
    return or(o.epsilon, 1e-8);
  }

  private static double decay(TrainingOptions o) {
    return or(o.weightDecay, 0);
  }

  private static double or(Double value, double otherwise) {
    return value == null ? otherwise : value;
  }

  UpdateRule rule(double rate, TrainingOptions given) {
    return factory.apply(rate, given);
  }

  /** True for methods that look at all rows in every step, and have no learning rate. */
  boolean isSolver() {
    return solver != null;
  }

  boolean takesFullBatches() {
    return this == GD || isSolver();
  }

  List<String> foreign() {
    List<String> all = new ArrayList<>(OF_RULES);
    all.removeAll(options);
    if (isSolver()) {
      all.addAll(OF_OPTIMIZERS);
    }
    return all;
  }

  /** Options that have no effect on what this method finds. */
  List<String> idle() {
    return this == EXACT ? OF_ITERATIONS : List.of();
  }

  /** Which optimizers have all of these options, as advice. */
  static String advice(List<String> given) {
    String able =
        Arrays.stream(values())
            .filter(method -> given.stream().noneMatch(method.foreign()::contains))
            .map(MethodName::text)
            .collect(Collectors.joining(" or "));
    return able.isEmpty()
        ? "no optimizer has all of %s: leave some out".formatted(String.join(", ", given))
        : "name one that has: --optimizer " + able;
  }

  /** The name of a solver. */
  static MethodName of(Solver solver) {
    return valueOf(solver.name().toUpperCase(Locale.ROOT));
  }

  String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
