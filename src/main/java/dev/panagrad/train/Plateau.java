package dev.panagrad.train;

import dev.panagrad.train.checkpoint.SavedTraining;
import java.io.IOException;
import java.util.Map;

/** The best loss so far, and how many epochs ago it was. */
final class Plateau {
  private final String name; // in checkpoints; empty or ending in a hyphen
  private double best = Double.POSITIVE_INFINITY;
  private long epochsSinceBest;

  Plateau(String name) {
    this.name = name;
  }

  /** Takes in the loss of an epoch; below the best by that part of it, it is the new best. */
  void watch(double loss, double tolerance) {
    if (loss < best - tolerance * Math.abs(best) || best == Double.POSITIVE_INFINITY) {
      best = loss;
      epochsSinceBest = 0;
    } else {
      epochsSinceBest++;
    }
  }

  long epochsSinceBest() {
    return epochsSinceBest;
  }

  /** Counts from here; the best stays what it is. */
  void beginAnew() {
    epochsSinceBest = 0;
  }

  void save(Map<String, String> texts) {
    texts.put("progress." + name + "epochs-since-best", Long.toString(epochsSinceBest));
    texts.put("progress." + name + "best-loss", Double.toHexString(best));
  }

  void restore(SavedTraining saved) throws IOException {
    epochsSinceBest = saved.count("progress." + name + "epochs-since-best");
    best = saved.number("progress." + name + "best-loss");
  }
}
