package dev.panagrad.train;

import java.util.List;

/** Follows a training. Called on the training thread. */
@FunctionalInterface
public interface TrainingListener {
  /**
   * Training begins; whatever may be refused has been accepted.
   *
   * @param before records of the epochs before, of a training that is resumed; else empty
   */
  default void begins(List<EpochRecord> before) {}

  /**
   * An epoch has ended. Every listener hears of every epoch.
   *
   * @return false to stop training here
   */
  boolean epochEnded(EpochRecord record);
}
