package dev.panagrad.solver;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds what a {@link Solver.Run} remembers between two iterations, as named vectors of numbers. A
 * run describes it once, in {@link Solver.Run#exchange}: {@code w = state.vector("w", w)} notes a
 * copy of w and gives w back, or gives what was noted under that name.
 */
public final class RunState {
  private final Map<String, double[]> vectors;
  private final boolean isRestoring;

  private RunState(Map<String, double[]> vectors, boolean isRestoring) {
    this.vectors = vectors;
    this.isRestoring = isRestoring;
  }

  /** Returns what a run remembers now. */
  public static RunState of(Solver.Run run) {
    RunState state = new RunState(new LinkedHashMap<>(), false);
    run.exchange(state);
    return state;
  }

  /**
   * Brings a run to where another one was saved, of the same method with the same options, and of
   * an objective of the same size.
   *
   * @throws IllegalArgumentException if the vectors are not of such a run, with what differs; the
   *     run is what it was then
   */
  public static void restore(Solver.Run run, Map<String, double[]> vectors) {
    RunState before = of(run);
    try {
      run.exchange(new RunState(vectors, true));
    } catch (IllegalArgumentException e) {
      run.exchange(new RunState(before.vectors, true));
      throw e;
    }
  }

  /** Returns all that it remembers, by name; numbers are vectors of length 1. */
  public Map<String, double[]> vectors() {
    return vectors;
  }

  /** Returns the current vector, or a copy of the saved one, which is as long. */
  public double[] vector(String name, double[] current) {
    if (!isRestoring) {
      vectors.put(name, current.clone());
      return current;
    }
    double[] saved = vectors.get(name);
    if (saved == null || saved.length != current.length) {
      throw new IllegalArgumentException(
          "'%s' is %s where %,d numbers are needed"
              .formatted(
                  name,
                  saved == null ? "missing" : "%,d numbers".formatted(saved.length),
                  current.length));
    }
    return saved.clone();
  }

  /** Returns the current number, or the saved one; any, also NaN. */
  public double number(String name, double current) {
    return vector(name, new double[] {current})[0];
  }

  /** Returns the current count, or the saved one, from {@code least} to {@code largest}. */
  public int count(String name, int current, int least, int largest) {
    double saved = number(name, current);
    if (!(saved >= least && saved <= largest && saved == Math.rint(saved))) {
      throw new IllegalArgumentException(
          "'%s' is %s where a whole number from %,d to %,d is needed"
              .formatted(name, saved, least, largest));
    }
    return (int) saved;
  }

  public Solver.Run.Status status(Solver.Run.Status current) {
    List<Solver.Run.Status> all = List.of(Solver.Run.Status.values());
    return all.get(count("status", all.indexOf(current), 0, all.size() - 1));
  }
}
