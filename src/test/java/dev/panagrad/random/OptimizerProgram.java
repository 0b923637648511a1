package dev.panagrad.random;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.random.Engines.Engine;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Random optimizers, the same on every engine, from the same numbers before every step: equal bits
 * for any number of threads, and within roundings of the scalar definition.
 */
final class OptimizerProgram extends Program {
  private static final int MOST_CALLS = 30;

  /** More than the elements of two chunks, and no multiple of anything. */
  private static final int MANY = 40_003;

  private static final List<String> PATTERNS =
      List.of("*", "p0", "p1", "p?", "*1", "p*0*", "none", "p[0]", "?*?");

  private final Engines engines = Engines.host();
  private final GuardedMemory memory = new GuardedMemory(24L << 20);
  private final Outcasts outcasts = new Outcasts(1 << 20);
  private final Gradients gradients = new Gradients(memory, outcasts);
  private final List<OptimizerRun> runs = new ArrayList<>();
  private OptimizerOptions options;

  OptimizerProgram() {
    super("optimizers");
  }

  @Override
  void run(Choices choices) {
    memory.clear();
    runs.clear();
    DType dtype = choices.floating();
    boolean isLarge = choices.oneIn(60);
    Parameters.Layout layout = layout(choices, isLarge);
    options = OptimizerOptions.of(choices, PATTERNS);
    try (TensorArena arena = TensorArena.open("state")) {
      if (!build(choices, layout, dtype, arena)) {
        return;
      }
      int calls = isLarge ? 3 : 1 + choices.below(MOST_CALLS);
      for (int i = 0; i < calls; i++) {
        one(choices, i);
      }
      if (choices.oneIn(3)) {
        closed(choices, arena);
      }
    }
  }

  private static Parameters.Layout layout(Choices choices, boolean isLarge) {
    Parameters.Layout layout = Parameters.layout();
    int parameters = 1 + choices.below(4);
    for (int i = 0; i < parameters; i++) {
      long[] extents =
          isLarge && i == 0
              ? new long[] {MANY}
              : choices.coin()
                  ? new long[] {choices.oneIn(10) ? 0 : choices.positive(300)}
                  : new long[] {choices.positive(9), choices.positive(40)};
      if (choices.oneIn(4)) {
        layout.addExempt("p" + i, extents);
      } else {
        layout.add("p" + i, extents);
      }
    }
    return layout;
  }

  /** Builds it on every engine; false if it is refused, as it then is everywhere. */
  private boolean build(Choices choices, Parameters.Layout layout, DType dtype, TensorArena arena) {
    int shift = choices.oneIn(4) ? choices.below(8) : 0;
    long count = layout.count(dtype);
    Tensor start = memory.tensor("start", dtype, 0, false, count);
    Gradients.randomize(choices, start, false);
    List<String> refusals = new ArrayList<>();
    for (Engine engine : engines.all) {
      call(() -> "build %s with %s on %s".formatted(options.builder().rule(), options, engine));
      Tensor flat = memory.tensor("p of " + engine, dtype, shift, choices.oneIn(4), count);
      flat.copyFrom(start);
      Parameters parameters = layout.over(flat);
      try {
        Optimizer optimizer = options.builder().build(parameters, engine.backend(), arena);
        runs.add(new OptimizerRun(engine, optimizer));
      } catch (RuntimeException thrown) {
        Refusals.requireDocumented(thrown);
        require(thrown instanceof IllegalArgumentException, "unexpected " + thrown);
        refusals.add(Refusals.text(thrown));
        ended(true);
      }
    }
    require(
        refusals.isEmpty() || (refusals.stream().distinct().count() == 1 && runs.isEmpty()),
        "refused by some: " + refusals);
    return refusals.isEmpty();
  }

  private void one(Choices choices, int number) {
    switch (choices.below(20)) {
      case 0 -> {
        long steps = choices.oneIn(3) ? choices.near(1000) : choices.below(50L);
        boolean isRefused = steps < 0;
        if (steps < 1L << 30) {
          all(
              "resumeAt(" + steps + ")",
              isRefused,
              optimizer -> {
                optimizer.resumeAt(steps);
                return null;
              });
        }
      }
      case 1 -> {
        double factor = choices.number(0.5, 1, 2, 0, -1, Double.NaN);
        all(
            "scaleRate(" + factor + ")",
            !(factor > 0),
            optimizer -> {
              optimizer.scaleRate(factor);
              return null;
            });
      }
      case 2, 3, 4 -> refusedStep(choices);
      default -> step(choices, number);
    }
  }

  /** A call that changes no tensor, with the same end on every engine. */
  private void all(String words, boolean isRefused, Function<Optimizer, Object> call) {
    String expected = null;
    memory.remember();
    for (OptimizerRun run : runs) {
      call(() -> run.engine + ": " + words + " of " + run.optimizer);
      run.remember();
      String outcome = run.call(call, true);
      expected = expected == null ? outcome : expected;
      require(outcome.equals(expected), outcome + " is not " + expected);
      require(isRefused != outcome.startsWith("returned"), "unexpected end: " + outcome);
      ended(isRefused);
      requireUnchanged(run);
    }
  }

  /** A step with a gradient that does not fit. */
  private void refusedStep(Choices choices) {
    int kind = choices.below(Gradients.WRONG_KINDS);
    Tensor flat = runs.getFirst().parameters().flat();
    Tensor fitting = gradients.fitting(choices, flat);
    memory.remember();
    for (OptimizerRun run : runs) {
      Tensor wrong = gradients.wrong(kind, run.optimizer, fitting);
      if (wrong != null) {
        call(() -> "%s: step(%s, kind %d) of %s".formatted(run.engine, wrong, kind, run.optimizer));
        run.remember();
        String outcome = run.call(optimizer -> optimizer.step(wrong), true);
        require(!outcome.startsWith("returned"), "the gradient was accepted");
        ended(true);
        requireUnchanged(run);
      }
    }
  }

  private void step(Choices choices, int number) {
    Tensor g = gradients.fitting(choices, runs.getFirst().parameters().flat());
    OptimizerRun first = runs.getFirst();
    StepComparison comparison = new StepComparison(first, options, g);
    memory.remember();
    List<String> outcomes = new ArrayList<>();
    for (OptimizerRun run : runs) {
      call(() -> "%s: step %d of %s".formatted(run.engine, number, run.optimizer));
      run.remember();
      String outcome = run.call(optimizer -> optimizer.step(g), true);
      outcomes.add(outcome);
      require(outcome.equals(outcomes.getFirst()), outcome + " is not " + outcomes.getFirst());
      String outside =
          memory.changed(
              outcome.equals("returned true") ? List.of(run.parameters().flat()) : List.of());
      require(outside == null, outside);
      require(outcome.equals("returned true") || run.state.changed() == null, "state was changed");
      if (outcome.equals("returned true")) {
        compare(run, comparison);
      }
      memory.remember();
    }
    for (OptimizerRun run : runs.subList(1, runs.size())) {
      run.parameters().flat().copyFrom(first.parameters().flat());
      run.state.copyFrom(first.state);
    }
  }

  private void compare(OptimizerRun run, StepComparison comparison) {
    OptimizerRun sameName = runs.get(run.engine.first());
    if (sameName != run) {
      Tensor expected = sameName.parameters().flat();
      require(isEqual(expected, run.parameters().flat()), "other bits than with one thread");
      String differs = run.state.differs(sameName.state);
      require(differs == null, "other bits than with one thread: " + differs);
    } else if (run != runs.getFirst()) {
      comparison.compare(runs.getFirst(), run);
    }
  }

  private static boolean isEqual(Tensor a, Tensor b) {
    return a.segment()
            .asSlice(a.byteOffset(), a.spanBytes())
            .mismatch(b.segment().asSlice(b.byteOffset(), b.spanBytes()))
        < 0;
  }

  /** Steps after the arena of the state was closed. */
  private void closed(Choices choices, TensorArena arena) {
    Tensor g = gradients.fitting(choices, runs.getFirst().parameters().flat());
    boolean hasState =
        !runs.getFirst().optimizer.state().isEmpty()
            || runs.getFirst().optimizer.averaged() != null;
    arena.close();
    memory.remember();
    for (OptimizerRun run : hasState ? runs : List.<OptimizerRun>of()) {
      call(() -> "%s: a step without its state of %s".formatted(run.engine, run.optimizer));
      run.rememberCounters();
      String outcome = run.call(optimizer -> optimizer.step(g), false);
      require(outcome.startsWith("IllegalState"), "expected a refusal, found: " + outcome);
      String outside = memory.changed(List.of());
      require(outside == null, outside);
    }
  }

  private void requireUnchanged(OptimizerRun run) {
    String changed = memory.changed(List.of());
    require(changed == null, changed);
    changed = run.state.changed();
    require(changed == null, changed);
  }

  static void require(boolean isTrue, String otherwise) {
    if (!isTrue) {
      throw new AssertionError(otherwise);
    }
  }

  @Override
  public void close() {
    engines.close();
    memory.close();
  }
}
