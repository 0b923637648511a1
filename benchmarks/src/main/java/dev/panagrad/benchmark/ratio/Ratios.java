package dev.panagrad.benchmark.ratio;

import dev.panagrad.benchmark.launch.DistinctLines;
import dev.panagrad.benchmark.launch.VectorJava;
import dev.panagrad.rule.StateFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** The command: options, the list of comparisons, the table. */
public final class Ratios {
  private static final String USAGE =
      """
      usage: ratios [--quick] [--json] [--only TEXT]
        --quick      fewer rounds, 16 M instead of 64 M parameters
        --json       one JSON array instead of lines
        --only TEXT  only comparisons whose name has that text, any case\
      """;

  /** Tells a child which comparison of the plan is its own. */
  private static final String ROW = "ratios.row";

  /** In place of a comparison: the child says what machine it has. */
  private static final int MACHINE = -1;

  /** Variables that make a peer run for another processor, or with other threads. */
  private static final Pattern STEERING =
      Pattern.compile("OPENBLAS_.*|OMP_.*|MKL_.*|GOTO_.*|GOMP_.*|KMP_.*");

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
   * @return the exit status: 0 done, 1 a result was wrong or a comparison failed, 2 usage
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
    Ratios ratios = new Ratios(quick, json, only);
    String row = System.getProperty(ROW);
    return row == null ? ratios.printAll(List.of(args)) : ratios.print(Integer.parseInt(row));
  }

  /** Measures one comparison: what {@link #printAll} starts in a java of its own. */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  private static int usage() {
    System.err.println(USAGE);
    return 2;
  }

  /**
   * Each comparison has a java of its own: what the compiler has learned from one, and threads that
   * a library leaves behind, then cannot change the next, and a row is the same alone as in the
   * whole table.
   */
  private int printAll(List<String> args) {
    List<Planned> plan = plan();
    List<String> all = new ArrayList<>();
    DistinctLines errors = new DistinctLines();
    int status = 0;
    if (!json) {
      StringBuilder machine = new StringBuilder();
      status = child(MACHINE, args, machine, errors);
      System.out.print(machine);
      System.out.println(RatioRow.header());
    }
    for (int i = 0; i < plan.size(); i++) {
      if (!plan.get(i).name().toLowerCase().contains(only.toLowerCase())) {
        continue;
      }
      StringBuilder rows = new StringBuilder();
      int childStatus = child(i, args, rows, errors);
      if (childStatus != 0) {
        status = 1;
      }
      if (rows.isEmpty()) {
        System.err.println(plan.get(i).name() + ": failed with status " + childStatus);
      } else if (json) {
        all.add(rows.toString().strip());
      } else {
        System.out.print(rows);
      }
    }
    if (json) {
      System.out.println("[" + String.join(",\n ", all) + "]");
    }
    return status;
  }

  /** The child's exit status; what it prints is added to the rows. */
  private static int child(int row, List<String> args, StringBuilder rows, DistinctLines errors) {
    try {
      List<String> flags = List.of("-D" + ROW + "=" + row);
      ProcessBuilder java = VectorJava.child(Ratios.class, flags, args);
      java.environment().keySet().removeIf(name -> STEERING.matcher(name).matches());
      Process child = VectorJava.start(java);
      Thread copying = errors.copy(child);
      rows.append(new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
      copying.join();
      return child.waitFor();
    } catch (IOException e) {
      System.err.println("ratios: java could not be started again: " + e.getMessage());
      return 1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 1;
    }
  }

  private int print(int index) {
    if (index == MACHINE) {
      System.out.println(Machine.describe());
      return 0;
    }
    Turns turns = quick ? Turns.quick() : Turns.full();
    List<RatioRow> rows = plan().get(index).comparison().get().measure(turns, new AbsentPeers());
    if (json) {
      System.out.println(String.join(",\n ", rows.stream().map(RatioRow::json).toList()));
    } else {
      rows.forEach(row -> System.out.println(row.line()));
    }
    return rows.stream().anyMatch(row -> row.verdict() == RatioRow.Verdict.WRONG) ? 1 : 0;
  }

  /** A comparison whose data is allocated when its turn comes. */
  private record Planned(String name, Supplier<Comparison> comparison) {}

  /** In order of importance. */
  private List<Planned> plan() {
    int cores = Runtime.getRuntime().availableProcessors();
    List<Planned> plan = new ArrayList<>();
    addSteps(plan, cores);
    addGradients(plan, cores);
    addEpochs(plan, cores);
    addProducts(plan, cores);
    addShortCalls(plan);
    return plan;
  }

  private void addSteps(List<Planned> plan, int cores) {
    plan.add(smallAdam(16, 300));
    plan.add(smallAdam(1_024, 15));
    plan.add(smallAdam(32_768, 1.5));
    for (int threads : upTo(cores)) {
      plan.add(
          new Planned(
              "Adam 1000 tensors",
              () -> OptimizerComparisons.manyTensors(StepRule.ADAM, 1_000, 4_096, threads, 3)));
    }
    plan.add(largeStep(StepRule.ADAM, cores, 1.0));
    plan.add(largeStep(StepRule.MOMENTUM, cores, 1.0));
    plan.add(largeStep(StepRule.RMSPROP, cores, 5.0));
    for (StepRule rule : StepRule.values()) {
      // Of Adam's 28 bytes 20 and 16 are left; of the 20 of the others 16 and 14.
      boolean adam = rule == StepRule.ADAM;
      plan.add(compactState(rule, StateFormat.BF16, cores, adam ? 1 / 0.8 : Double.NaN));
      plan.add(compactState(rule, StateFormat.INT8_BLOCKWISE, cores, adam ? 1 / 0.68 : Double.NaN));
    }
    plan.add(cachedState(StateFormat.BF16));
    plan.add(cachedState(StateFormat.INT8_BLOCKWISE));
  }

  private Planned compactState(StepRule rule, StateFormat format, int threads, double goal) {
    long millions = quick ? 16 : 64;
    return new Planned(
        "%s state %s".formatted(rule.title, format),
        () -> StateFormatComparisons.inMemory(rule, format, millions, threads, goal));
  }

  private static Planned cachedState(StateFormat format) {
    return new Planned(
        "Adam state %s 32768".formatted(format),
        () -> StateFormatComparisons.inCache(StepRule.ADAM, format, 32_768));
  }

  private static void addGradients(List<Planned> plan, int cores) {
    plan.add(cachedGradient(256, 64, 1.7, 8));
    plan.add(cachedGradient(4_096, 256, 1.1, 2.5));
    plan.add(cachedGradient(32, 16, 1.5, 60));
    plan.add(gradient(1_000_000, 64, 1, 2.5, 2.8));
    if (cores > 1) {
      plan.add(gradient(1_000_000, 64, cores, 2.5, 3.0));
    }
    for (int threads : upTo(cores)) {
      plan.add(
          new Planned(
              "logistic 1000000 x 64, " + threads,
              () -> GradientComparisons.logistic(1_000_000, 64, threads, 3, 4)));
    }
    plan.add(gradient(262_144, 512, cores, 2.0, 3.5));
    plan.add(gradient(100_000, 1_024, cores, 2.0, 2.4));
    plan.add(gradient(20_000, 8_192, cores, 2.0, 2.4));
    plan.add(fewOutputs(4, cores, 1.6));
    plan.add(fewOutputs(8, cores, 1.3));
    addManyOutputs(plan, OurBackend.SIMD, cores);
    addManyOutputs(plan, OurBackend.OPENBLAS, cores);
  }

  private static void addManyOutputs(List<Planned> plan, String backend, int cores) {
    plan.add(manyOutputs(backend, 65_536, 64, cores));
    // Fewer rows: a call is to stay below a second.
    plan.add(manyOutputs(backend, 8_192, 1_024, cores));
  }

  private static void addEpochs(List<Planned> plan, int cores) {
    for (int threads : upTo(cores)) {
      plan.add(
          new Planned(
              "epoch in order",
              () -> EpochComparisons.inOrder(threads, 1_024, threads == 1 ? 1.7 : 2.2, 16)));
    }
    for (int threads : upTo(cores)) {
      for (int batch : new int[] {32, 256, 1_024}) {
        double goal = batch < 1_024 ? 3 : threads == 1 ? 1.9 : 2.5;
        plan.add(
            new Planned(
                "epoch shuffled by %d, %d".formatted(batch, threads),
                () -> EpochComparisons.shuffled(threads, batch, goal)));
      }
    }
  }

  private static void addProducts(List<Planned> plan, int cores) {
    for (int n : new int[] {256, 1_024, 2_048}) {
      plan.add(new Planned("gemm " + n, () -> GemmComparisons.oneThread(n, 0.97)));
    }
    for (int n : new int[] {1_024, 2_048}) {
      if (cores > 1) {
        plan.add(
            new Planned(
                "gemm %d, %d threads".formatted(n, cores),
                () -> GemmComparisons.threads(n, cores, 0.95)));
      }
    }
  }

  private static void addShortCalls(List<Planned> plan) {
    plan.add(new Planned("prediction", () -> ShortCallComparisons.prediction(16, 50)));
    plan.add(new Planned("prediction, heap", () -> ShortCallComparisons.heapPrediction(10, 0.66)));
    for (int n : new int[] {8, 16, 32, 64}) {
      plan.add(new Planned("tiny gemm " + n, () -> GemmComparisons.small(n, 1, 0.6)));
    }
    for (int n : new int[] {16, 32}) {
      plan.add(new Planned("tiny gemv " + n, () -> ShortCallComparisons.gemv(n, 1)));
    }
    for (int n : new int[] {16, 32}) {
      plan.add(new Planned("tiny dot " + n, () -> ShortCallComparisons.dot(n, 1)));
    }
  }

  /** One thread and all of them. */
  private static List<Integer> upTo(int cores) {
    return cores == 1 ? List.of(1) : List.of(1, cores);
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

  private static Planned cachedGradient(
      long rows, long features, double blasGoal, double torchGoal) {
    return new Planned(
        "gradient " + rows + " x " + features,
        () -> GradientComparisons.inCache(rows, features, blasGoal, torchGoal));
  }

  private static Planned gradient(
      long rows, long features, int threads, double blasGoal, double torchGoal) {
    return new Planned(
        "gradient %d x %d, %d".formatted(rows, features, threads),
        () -> GradientComparisons.inMemory(rows, features, threads, blasGoal, torchGoal));
  }

  private static Planned fewOutputs(long outputs, int threads, double blasGoal) {
    return new Planned(
        "gradient 65536 x 256 k = " + outputs,
        () -> MultiOutputComparisons.few(65_536, 256, outputs, threads, blasGoal, 8));
  }

  private static Planned manyOutputs(String backend, long rows, long outputs, int threads) {
    return new Planned(
        "gradient %d x 256 k = %d %s".formatted(rows, outputs, backend),
        () -> MultiOutputComparisons.many(backend, rows, 256, outputs, threads, 0.98));
  }
}
