package dev.panagrad.benchmark.ratio;

import dev.panagrad.benchmark.Benchmarks;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/** The command: options, the list of comparisons, the table. */
public final class Ratios {
  private static final String USAGE =
      """
      usage: ratios [--quick] [--json] [--only TEXT]
        --quick      fewer rounds, 16 M instead of 64 M parameters
        --json       one JSON array instead of lines
        --only TEXT  only comparisons whose name has that text, any case""";

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

  /** Data is allocated when a comparison's turn comes. */
  private record Planned(String name, Supplier<Comparison> comparison) {}

  private List<Planned> plan() {
    int cores = Runtime.getRuntime().availableProcessors();
    long millions = quick ? 16 : 64;
    List<Planned> plan = new ArrayList<>();
    plan.add(
        new Planned("Adam small", () -> OptimizerComparisons.inCache(StepRule.ADAM, 16, 300)));
    plan.add(
        new Planned("Adam small", () -> OptimizerComparisons.inCache(StepRule.ADAM, 1024, 15)));
    plan.add(
        new Planned("Adam small", () -> OptimizerComparisons.inCache(StepRule.ADAM, 32768, 1.5)));
    plan.add(
        new Planned(
            "Adam large",
            () -> OptimizerComparisons.inMemory(StepRule.ADAM, millions, cores, 1.0)));
    plan.add(
        new Planned(
            "SGD large",
            () -> OptimizerComparisons.inMemory(StepRule.MOMENTUM, millions, cores, 1.0)));
    plan.add(
        new Planned(
            "RMSProp large",
            () -> OptimizerComparisons.inMemory(StepRule.RMSPROP, millions, cores, 5.0)));
    return plan;
  }
}
