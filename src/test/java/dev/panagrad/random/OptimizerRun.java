package dev.panagrad.random;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.random.Engines.Engine;
import dev.panagrad.rule.Block8;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** One optimizer of a program, on one engine, with all that it may change. */
final class OptimizerRun {
  final Engine engine;
  final Optimizer optimizer;
  final Watched state;
  private String counters;

  OptimizerRun(Engine engine, Optimizer optimizer) {
    this.engine = engine;
    this.optimizer = optimizer;
    List<Tensor> tensors = new ArrayList<>(optimizer.state());
    if (optimizer.averaged() != null) {
      tensors.add(optimizer.averaged().flat());
    }
    state = new Watched(tensors);
    remember();
  }

  void remember() {
    state.remember();
    rememberCounters();
  }

  void rememberCounters() {
    counters = counters();
  }

  String counters() {
    return "%d steps, %d skipped, rate %s, factor %s"
        .formatted(
            optimizer.steps(),
            optimizer.skippedSteps(),
            optimizer.lastLearningRate(),
            optimizer.rateFactor());
  }

  /**
   * Makes a call.
   *
   * @return what it returned or threw, in words
   */
  String call(Function<Optimizer, Object> call, boolean isStateAlive) {
    try {
      return "returned " + call.apply(optimizer);
    } catch (RuntimeException thrown) {
      Refusals.requireDocumented(thrown);
      String changed = isStateAlive ? state.changed() : null;
      if (changed == null && !counters.equals(counters())) {
        changed = counters + " became " + counters();
      }
      if (changed != null) {
        throw new AssertionError(
            engine + ": the call threw, and " + changed + "; it threw " + thrown, thrown);
      }
      return Refusals.text(thrown);
    }
  }

  /** One number of a state vector, as the next step reads it. */
  static double kept(UpdateRule rule, StateFormat format, List<Tensor> state, int slot, long i) {
    if (format != StateFormat.INT8_BLOCKWISE) {
      return state.get(slot).get(i);
    }
    int code = (int) state.get(2 * slot).get(i);
    double scale = state.get(2 * slot + 1).get(i / StateFormat.BLOCK);
    return Block8.decode(code, (float) scale, rule.isNonNegative(slot));
  }

  double kept(int slot, long i) {
    return kept(optimizer.rule(), optimizer.stateFormat(), optimizer.state(), slot, i);
  }

  Parameters parameters() {
    return optimizer.parameters();
  }
}
