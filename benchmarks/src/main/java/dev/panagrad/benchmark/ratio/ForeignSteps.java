package dev.panagrad.benchmark.ratio;

/**
 * Optimizer steps of a library that lives in a class loader of its own. This type is what both
 * sides share.
 */
public interface ForeignSteps {
  /** Makes that many steps. */
  void repeat(long times);

  /** The next step is the first. */
  void forgetSteps();
}
