package dev.panagrad.tune;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;

/**
 * A candidate has options that are tried: a base learning rate and where it comes from, rows per
 * step, and whether the rate falls to zero over all epochs as half a cosine.
 */
public record Candidate(double rate, String basis, long batch, boolean decays) {
  /** Returns the schedule in the text form of {@link dev.panagrad.schedule.ScheduleText}. */
  public String schedule(long epochs) {
    return decays ? "cosine:" + epochs + "e" : "constant";
  }

  /** True if two are the same training, wherever their rates come from. */
  boolean isSameTraining(Candidate other) {
    return rate == other.rate && batch == other.batch && decays == other.decays;
  }

  Optimizer.Builder optimizer(UpdateRule rule, long steps) {
    Optimizer.Builder builder = Optimizer.of(rule.withLearningRate(rate));
    return decays ? builder.schedule(Schedule.cosine(steps, 0)) : builder;
  }
}
