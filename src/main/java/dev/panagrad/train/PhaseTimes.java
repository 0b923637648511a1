package dev.panagrad.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Tells how long each phase of some work took, one after the other. */
public final class PhaseTimes {
  private final Map<String, Double> seconds = new LinkedHashMap<>();
  private long since = System.nanoTime();

  /** Starts the first phase. */
  public PhaseTimes() {}

  /** Ends a phase, and starts the next; phases of one name are added. */
  public void end(String phase) {
    long now = System.nanoTime();
    seconds.merge(phase, (now - since) / 1e9, Double::sum);
    since = now;
  }

  /** Ends phases that another has measured since the last end, the rest being a phase "other". */
  public void end(Map<String, Double> phases) {
    double measured = 0;
    for (Map.Entry<String, Double> phase : phases.entrySet()) {
      seconds.merge(phase.getKey(), phase.getValue(), Double::sum);
      measured += phase.getValue();
    }
    end("other");
    seconds.merge("other", -measured, Double::sum);
  }

  /** Returns the seconds of each phase so far, in order. */
  public Map<String, Double> seconds() {
    return Collections.unmodifiableMap(new LinkedHashMap<>(seconds));
  }
}
