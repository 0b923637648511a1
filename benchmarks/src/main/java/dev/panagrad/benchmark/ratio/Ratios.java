package dev.panagrad.benchmark.ratio;

import dev.panagrad.benchmark.Benchmarks;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** The command: options, the list of comparisons, the table. */
public final class Ratios {
  private static final String USAGE =
      """
      usage: ratios [--quick] [--json] [--only TEXT]
        --quick      fewer rounds, 16 M instead of 64 M parameters
        --json       one JSON array instead of lines
        --only TEXT  only comparisons whose name has that text, any case\
      """;

  private final boolean quick;
  private final boolean json;
  private final String only;

  private Ratios(boolean quick, boolean json, String only) {
    this.quick = quick;
    this.json = json;
    this.only = only;
  }

  /**
   * Runs the command.
   *
   * @return the exit status: 0 done, 1 a result was wrong, 2 usage
   */
  public static int run(String[] args) {
    Locale.setDefault(Locale.ROOT);
    boolean quick = false;
    boolean json = false;
    String only = "";
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> quick = true;
        case "--json" -> json = true;
        case "--only" -> {
          if (++i == args.length) {
            return usage();
          }
          only = args[i];
        }
        default -> {
          return usage();
        }
      }
    }
    if (Relaunch.isNeeded()) {
      List<String> arguments = new ArrayList<>(List.of("ratios"));
      arguments.addAll(List.of(args));
      return Relaunch.run(Benchmarks.class, arguments);
    }
    return new Ratios(quick, json, only).print();
  }

  private static int usage() {
    System.err.println(USAGE);
    return 2;
  }

  private int print() {
    Turns turns = quick ? Turns.quick() : Turns.full();
    AbsentPeers absent = new AbsentPeers();
    List<RatioRow> all = new ArrayList<>();
    if (!json) {
      System.out.println(RatioRow.header());
    }
    for (Planned planned : plan()) {
      if (!planned.name().toLowerCase().contains(only.toLowerCase())) {
        continue;
      }
      List<RatioRow> rows = planned.comparison().get().measure(turns, absent);
      all.addAll(rows);
      if (!json) {
        rows.forEach(row -> System.out.println(row.line()));
      }
    }
    if (json) {
      System.out.println(
          "[" + String.join(",\n ", all.stream().map(RatioRow::json).toList()) + "]");
    }
    return all.stream().anyMatch(row -> row.verdict() == RatioRow.Verdict.WRONG) ? 1 : 0;
  }

  /** A comparison whose data is allocated when its turn comes. */
  private record Planned(String name, Supplier<Comparison> comparison) {}

  /** In order of importance. */
  private List<Planned> plan() {
    int cores = Runtime.getRuntime().availableProcessors();
    List<Planned> plan = new ArrayList<>();
    plan.add(smallAdam(16, 300));
    plan.add(smallAdam(1_024, 15));
    plan.add(smallAdam(32_768, 1.5));
    plan.add(largeStep(StepRule.ADAM, cores, 1.0));
    plan.add(largeStep(StepRule.MOMENTUM, cores, 1.0));
    plan.add(largeStep(StepRule.RMSPROP, cores, 5.0));
    plan.add(gradient(256, 64, 1, 1.5, 8, false));
    plan.add(gradient(4_096, 256, 1, 1.2, 2.5, false));
    plan.add(gradient(32, 16, 1, 2, 60, false));
    for (int threads : new int[] {1, 2}) {
      plan.add(gradient(1_000_000, 64, threads, 2.5, 3.0, true));
      plan.add(gradient(100_000, 1_024, threads, 2.0, 2.4, true));
    }
    for (int n : new int[] {256, 1_024, 2_048}) {
      plan.add(new Planned("gemm " + n, () -> ProductComparisons.gemm(n, 0.97)));
    }
    plan.add(new Planned("prediction", () -> ProductComparisons.prediction(16, 50)));
    plan.add(new Planned("gemm 16", () -> ProductComparisons.gemm(16, 2)));
    plan.add(new Planned("dot 32", () -> ProductComparisons.dot(32, 2)));
    return plan;
  }

  private static Planned smallAdam(long count, double torchGoal) {
    return new Planned(
        "Adam " + count, () -> OptimizerComparisons.inCache(StepRule.ADAM, count, torchGoal));
  }

  private Planned largeStep(StepRule rule, int threads, double torchGoal) {
    long millions = quick ? 16 : 64;
    return new Planned(
        rule.title + " " + millions + " M",
        () -> OptimizerComparisons.inMemory(rule, millions, threads, torchGoal));
  }

  private static Planned gradient(
      long rows,
      long features,
      int threads,
      double blasGoal,
      double torchGoal,
      boolean isInMemory) {
    return new Planned(
        "gradient " + rows + " x " + features,
        () -> GradientComparisons.of(rows, features, threads, blasGoal, torchGoal, isInMemory));
  }
}
