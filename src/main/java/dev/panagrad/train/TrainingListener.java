package dev.panagrad.train;

import java.util.List;

/** Follows a training, which calls it on its thread. */
@FunctionalInterface
public interface TrainingListener {
  /** Training begins, all accepted, after those epochs: none unless it is resumed. */
  default void begins(List<EpochRecord> before) {}

  /** An epoch has ended, of which every listener hears; returns false to stop training here. */
  boolean epochEnded(EpochRecord record);
}
