package dev.panagrad.benchmark.latency;

import com.sun.management.ThreadMXBean;
import dev.panagrad.benchmark.launch.VectorJava;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Sgd;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/** The command: options, measurement, the table. */
public final class Latency {
  private static final String USAGE =
      """
      usage: latency [--quick | --first]
        --quick      100,000 calls of each kind instead of 1,000,000
        --first      the first 1,000 updates of new processes instead\
      """;

  /**
   * A heap of which the garbage beside fills the young generation several times in a second;
   * otherwise there would be no collection while a million calls are made.
   */
  private static final List<String> HEAP = List.of("-Xmx256m", "-Xmn32m");

  private static final long GARBAGE_PER_SECOND = 200_000_000;

  private static final long LEAST_WARM_UP_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long MOST_WARM_UP_NANOS = TimeUnit.SECONDS.toNanos(20);

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Garbage garbage;
  private final long calls;

  private Latency(Garbage garbage, long calls) {
    this.garbage = garbage;
    this.calls = calls;
  }

  /**
   * Runs the command.
   *
   * @return the exit status: 0 done, 2 usage
   */
  public static int run(String[] args) throws IOException {
    Locale.setDefault(Locale.ROOT);
    if (args.length == 1 && args[0].equals("--first")) {
      return FirstUpdates.run();
    }
    if (args.length > 1 || (args.length == 1 && !args[0].equals("--quick"))) {
      System.err.println(USAGE);
      return 2;
    }
    if (!VectorJava.isHere()) {
      return VectorJava.start(VectorJava.child(Latency.class, HEAP, List.of(args)).inheritIO())
          .onExit()
          .join()
          .exitValue();
    }
    try (Garbage garbage = new Garbage(GARBAGE_PER_SECOND)) {
      new Latency(garbage, args.length == 1 ? 100_000 : 1_000_000).print();
    }
    return 0;
  }

  /** Runs in a java with the module. */
  public static void main(String[] args) throws IOException {
    System.exit(run(args));
  }

  private void print() {
    System.out.printf("%,d calls of each kind, 1 thread, collector %s%n", calls, collectors());
    System.out.println(
        line("call", "p50", "p99", "p99.9", "max", "B/call", "MB/s beside", "collections"));
    measure("two looks at the clock", new Nothing());
    for (long features : new long[] {16, 256}) {
      measure("prediction, d = " + features, new Prediction(features));
      measure("update by SGD, d = " + features, new Update(features, Sgd.of(1e-4)));
      measure("update by Adam, d = " + features, new Update(features, Adam.of(1e-4)));
    }
  }

  /** What the measurement itself costs. It is in all other rows. */
  private record Nothing() implements Work {
    @Override
    public void once(long row) {}

    @Override
    public void close() {}
  }

  private void measure(String name, Work work) {
    Histogram warmUp = new Histogram(1, TimeUnit.SECONDS.toNanos(60), 3);
    Histogram histogram = warmUp.copy();
    try (work) {
      warmUp(work, warmUp);
      long collections = collections();
      long start = System.nanoTime();
      long beside = garbage.allocated();
      long own = THREADS.getCurrentThreadAllocatedBytes();
      call(work, histogram);
      own = THREADS.getCurrentThreadAllocatedBytes() - own;
      beside = garbage.allocated() - beside;
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.println(
          line(
              name,
              nanos(histogram.getValueAtPercentile(50)),
              nanos(histogram.getValueAtPercentile(99)),
              nanos(histogram.getValueAtPercentile(99.9)),
              nanos(histogram.getMaxValue()),
              "%.2f".formatted((double) own / calls),
              "%.0f".formatted(beside / 1e6 / seconds),
              Long.toString(collections() - collections)));
    }
  }

  /** Until a round of calls has taken nothing from the heap: vectors are objects until then. */
  private void warmUp(Work work, Histogram histogram) {
    long start = System.nanoTime();
    long own;
    long nanos;
    do {
      own = THREADS.getCurrentThreadAllocatedBytes();
      call(work, histogram);
      own = THREADS.getCurrentThreadAllocatedBytes() - own;
      nanos = System.nanoTime() - start;
    } while (nanos < LEAST_WARM_UP_NANOS || (own > calls / 100 && nanos < MOST_WARM_UP_NANOS));
  }

  private void call(Work work, Histogram histogram) {
    for (long i = 0; i < calls; i++) {
      long start = System.nanoTime();
      work.once(i);
      histogram.recordValue(System.nanoTime() - start);
    }
  }

  private static String collectors() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .map(GarbageCollectorMXBean::getName)
        .collect(Collectors.joining(", "));
  }

  private static long collections() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionCount)
        .sum();
  }

  private static String nanos(long value) {
    return value < 10_000
        ? value + " ns"
        : value < 10_000_000 ? "%.1f us".formatted(value / 1e3) : "%.1f ms".formatted(value / 1e6);
  }

  private static String line(String name, String... values) {
    StringBuilder line = new StringBuilder("%-26s".formatted(name));
    for (String value : values) {
      line.append("%13s".formatted(value));
    }
    return line.toString();
  }
}
