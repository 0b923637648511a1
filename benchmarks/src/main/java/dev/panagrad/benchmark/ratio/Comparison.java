package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The same work, ours and of all rivals, measured in the same rounds.
 *
 * @param work what is done; each row is named "work vs peer"
 * @param threads how many threads every contender uses
 * @param memory owner of all tensors, closed after the measurement
 * @param isHeapFree whether ours must not take anything from the heap
 */
public record Comparison(
    String work,
    int threads,
    TensorArena memory,
    Rival.Opening ours,
    List<Rival> rivals,
    boolean isHeapFree) {
  /**
   * OpenBLAS and OpenMP workers spin for up to 100 ms after a call. A turn that began earlier would
   * share its cores with them.
   */
  private static final long SPIN_OUT_MILLIS = 150;

  private static final long MAX_WARM_UP_NANOS = 60_000_000_000L;

  /** A call that allocates nothing may still meet another's object once in a while. */
  private static final double NO_BYTES = 0.01;

  public Comparison(
      String work, int threads, TensorArena memory, Rival.Opening ours, List<Rival> rivals) {
    this(work, threads, memory, ours, rivals, false);
  }

  /** The same, and short where ours takes something from the heap. */
  Comparison heapFree() {
    return new Comparison(work, threads, memory, ours, rivals, true);
  }

  /** For a row's name. */
  static String threadCount(int threads) {
    return threads == 1 ? "1 thread" : threads + " threads";
  }

  private static final class Lane {
    private final String label;
    private final Contender contender;
    private final double[] nanos;
    private long repetitions = 1;
    private boolean isLong;

    Lane(String label, Contender contender, int rounds) {
      this.label = label;
      this.contender = contender;
      this.nanos = new double[rounds];
    }
  }

  public List<RatioRow> measure(Turns turns, AbsentPeers absent) {
    List<Lane> lanes = new ArrayList<>();
    try {
      Lane our = new Lane(work, ours.open(), turns.rounds());
      lanes.add(our);
      List<Lane> theirs = new ArrayList<>();
      for (Rival rival : rivals) {
        Lane lane = null;
        try {
          lane = new Lane(work + " vs " + rival.peer(), rival.opening().open(), turns.rounds());
          lanes.add(lane);
        } catch (RuntimeException | LinkageError e) {
          absent.report(rival.library(), e);
        }
        theirs.add(lane);
      }
      NativeThreads.set(threads);
      for (Lane lane : lanes) {
        warmUp(lane, turns);
      }
      for (int round = 0; round < turns.rounds(); round++) {
        for (Lane lane : lanes) {
          lane.nanos[round] = turn(lane);
        }
      }
      return rows(our, theirs);
    } finally {
      for (Lane lane : lanes) {
        lane.contender.close();
      }
      memory.close();
    }
  }

  /**
   * Ends when nothing has become faster for a while. A fixed time is not enough: before the
   * compiler has come round to a kernel of the Vector API it is a thousand times slower, and on a
   * busy machine that lasts for seconds.
   */
  private void warmUp(Lane lane, Turns turns) {
    awaitIdleCores();
    long start = System.nanoTime();
    long fasterAt = start;
    double fastest = Double.POSITIVE_INFINITY;
    long now;
    do {
      long last = time(lane);
      double nanos = (double) last / lane.repetitions;
      now = System.nanoTime();
      if (nanos < 0.95 * fastest) {
        fasterAt = now;
      }
      fastest = Math.min(fastest, nanos);
      if (last < turns.turnNanos() / 2) {
        lane.repetitions *= 2;
      }
    } while (now - fasterAt < turns.quietNanos() && now - start < MAX_WARM_UP_NANOS);
    lane.repetitions = Math.max(1, Math.round(turns.turnNanos() / fastest));
    lane.isLong = fastest > 10.0 * turns.turnNanos();
  }

  private double turn(Lane lane) {
    awaitIdleCores();
    if (!lane.isLong) {
      // The caches hold the other contenders' data, so the first repetitions are not timed.
      lane.contender.repeat(Math.max(1, lane.repetitions / 10));
    }
    return (double) time(lane) / lane.repetitions;
  }

  private static long time(Lane lane) {
    long start = System.nanoTime();
    lane.contender.repeat(lane.repetitions);
    return System.nanoTime() - start;
  }

  private void awaitIdleCores() {
    if (threads > 1) {
      try {
        Thread.sleep(SPIN_OUT_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** {@code theirs} has one entry per rival, null where it is absent. */
  private List<RatioRow> rows(Lane our, List<Lane> theirs) {
    boolean right = isRight(our);
    boolean allocates = isHeapFree && allocates(our);
    Timing timing = Timing.of(our.nanos);
    List<RatioRow> rows = new ArrayList<>();
    for (int i = 0; i < rivals.size(); i++) {
      Rival rival = rivals.get(i);
      String name = work + " vs " + rival.peer();
      Lane lane = theirs.get(i);
      if (!right || (lane != null && !isRight(lane))) {
        rows.add(RatioRow.wrong(name, rival.goal()));
      } else if (lane == null) {
        rows.add(RatioRow.absent(name, timing, rival.goal()));
      } else {
        rows.add(RatioRow.measured(name, timing, Timing.of(lane.nanos), rival.goal(), allocates));
      }
    }
    return rows;
  }

  private static boolean allocates(Lane our) {
    double bytes = HeapBytes.perRepetition(our.contender, our.repetitions);
    if (bytes > NO_BYTES) {
      System.err.printf("%s: ours takes %.2f bytes from the heap per call%n", our.label, bytes);
    }
    return bytes > NO_BYTES;
  }

  private static boolean isRight(Lane lane) {
    Optional<String> disagreement = lane.contender.disagreement();
    disagreement.ifPresent(
        text ->
            System.err.println(
                lane.label
                    + ": "
                    + (lane.label.contains(" vs ") ? "the peer" : "ours")
                    + " differs from the reference: "
                    + text));
    return disagreement.isEmpty();
  }
}
