package dev.panagrad.train;

/** Follows a training. Called on the training thread. */
@FunctionalInterface
public interface TrainingListener {
  /**
   * An epoch has ended. Every listener hears of every epoch.
   *
   * @return false to stop training here
   */
  boolean epochEnded(EpochRecord record);
}
