package dev.panagrad.benchmark.gpu;

import dev.panagrad.benchmark.ratio.AbsentPeers;
import dev.panagrad.benchmark.ratio.PythonPeer;
import dev.panagrad.benchmark.ratio.Rival;
import dev.panagrad.benchmark.ratio.Turns;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What all comparisons of a run share: how long to measure, how large data may be, and PyTorch.
 *
 * <p>Ownership: it owns the process of Python and ends it.
 */
final class GpuRun implements AutoCloseable {
  private static final Turns FULL = new Turns(7, 2_000_000_000L, 200_000_000L);
  private static final Turns QUICK = new Turns(3, 1_000_000_000L, 100_000_000L);

  /** Each work twice, and its check. */
  private static final Turns REHEARSAL = new Turns(1, 0, 0);

  private static final long REHEARSED_ELEMENTS = 20_000;

  /** Sizes that do not fit are rounded down to a multiple. */
  private static final long UNIT = 1_000_000;

  private static final Pattern MEMORY = Pattern.compile("([0-9.]+) GiB");

  /** Of the device's memory: the rest is for scratch memory and fragments. */
  private static final double USABLE_PART = 0.92;

  /** Two CUDA contexts, ours and PyTorch's, with their libraries. */
  private static final double CONTEXTS_GIB = 1.5;

  private final boolean quick;
  private final boolean rehearsal;
  private final long memoryBytes;
  private final AbsentPeers absent = new AbsentPeers();
  private final PythonPeer torch;
  private final String noTorch;

  /** A run on the device that the backend describes so. */
  GpuRun(String detail, boolean quick, boolean rehearsal) {
    this.quick = quick;
    this.rehearsal = rehearsal;
    memoryBytes = usableBytes(detail);
    PythonPeer started = null;
    String reason = null;
    try {
      started = PythonPeer.start("torch_peer.py", Device.isSoftware(detail) ? "cpu" : "cuda");
    } catch (IllegalStateException e) {
      reason = e.getMessage();
    }
    torch = started;
    noTorch = reason;
  }

  private static long usableBytes(String detail) {
    Matcher gibibytes = MEMORY.matcher(detail);
    if (!gibibytes.find()) {
      throw new IllegalStateException("'" + detail + "' does not say how much memory there is");
    }
    double usable = USABLE_PART * Double.parseDouble(gibibytes.group(1)) - CONTEXTS_GIB;
    return (long) (Math.max(0.1, usable) * 0x1p30);
  }

  boolean isRehearsal() {
    return rehearsal;
  }

  boolean isQuick() {
    return quick;
  }

  Turns turns() {
    return rehearsal ? REHEARSAL : quick ? QUICK : FULL;
  }

  AbsentPeers absent() {
    return absent;
  }

  /** What PyTorch is there, or why none. */
  String torchFacts() {
    return torch == null ? "none: " + noTorch : torch.facts();
  }

  /** Of a rival that could not be opened: all are PyTorch's. */
  String absence() {
    return torch == null ? "no torch" : "absent";
  }

  /**
   * A rival of PyTorch's, absent where there is none.
   *
   * @param work name and sizes, as {@code torch_peer.py} has them
   */
  Rival torch(String call, double goal, String work) {
    return new Rival(
        "PyTorch",
        call,
        goal,
        () -> {
          if (torch == null) {
            throw new IllegalStateException(noTorch);
          }
          return torch.open(work);
        });
  }

  /** That many elements, or as many as fit if there are so many vectors of them, PyTorch's too. */
  long elements(long asked, int vectors) {
    if (rehearsal) {
      return Math.min(asked, REHEARSED_ELEMENTS);
    }
    return Math.min(asked, memoryBytes / Float.BYTES / vectors / UNIT * UNIT);
  }

  /** That many rows, or as many blocks of rows as fit if a row needs so many elements. */
  long rows(long asked, long block, long elementsPerRow) {
    return Math.min(asked, memoryBytes / Float.BYTES / elementsPerRow / block * block);
  }

  /** For a row's name: the size, and what was asked for where that does not fit. */
  String size(long asked, long actual) {
    String text = String.format(Locale.ROOT, "%,d", actual);
    return actual == asked || rehearsal
        ? text
        : text + String.format(Locale.ROOT, " (of %,d, for want of memory)", asked);
  }

  @Override
  public void close() {
    if (torch != null) {
      torch.close();
    }
  }
}
