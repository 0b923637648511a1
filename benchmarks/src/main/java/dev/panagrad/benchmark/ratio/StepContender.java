package dev.panagrad.benchmark.ratio;

import java.util.Optional;

/** Makes optimizer steps. */
abstract class StepContender implements Contender {
  /** More than one, so that state that is lost between steps shows. */
  private static final int CHECKED_STEPS = 3;

  /** Where parameters and state are. */
  abstract StepData data();

  /** The next step is the first. */
  abstract void forgetSteps();

  @Override
  public Optional<String> disagreement() {
    data().reset();
    forgetSteps();
    repeat(CHECKED_STEPS);
    return data().disagreement(CHECKED_STEPS);
  }
}
