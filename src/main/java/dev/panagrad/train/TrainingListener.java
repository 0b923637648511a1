package dev.panagrad.train;

import java.util.List;

/** Follows a training. Called on the training thread. */
@FunctionalInterface
public interface TrainingListener {
  /** Training begins, all accepted, after those epochs: none unless it is resumed. */
  default void begins(List<EpochRecord> before) {}

  /** An epoch has ended, of which every listener hears; false to stop training here. */
  boolean epochEnded(EpochRecord record);
}
