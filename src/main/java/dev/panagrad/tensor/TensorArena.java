package dev.panagrad.tensor;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Owns every allocation of a session and frees them together when it is closed. Open one per
 * session (a training run, a served model), not one per step: closing a shared arena makes every
 * thread of the JVM stop briefly.
 *
 * <p>Memory is native, zeroed, and starts on a {@value #ALIGNMENT_BYTES}-byte boundary. Threading:
 * any thread may allocate, use the tensors and close. An arena that becomes unreachable without
 * having been closed is reported once to the {@code System.Logger} of this class with everything it
 * still held; its memory is not freed then.
 */
public final class TensorArena implements AutoCloseable, Storage.Owner {
  /** Allocations are aligned to a cache line, which is the widest vector register too. */
  public static final int ALIGNMENT_BYTES = 64;

  private static final int PAGE_BYTES = 4096;

  /**
   * Bytes from which tensors begin at different places of a page. Large allocations all begin at
   * the same one, and streams that are equally far into a page compete for the same cache sets: an
   * Adam step of 32,768 parameters, four streams, took 15.7 us and takes 9.3 us (2-core AVX-512
   * x86, 2026-11-24).
   */
  private static final long STAGGERED_BYTES = 16 * 1024;

  // 17 cache lines: 64 tensors until one begins where the first did.
  private static final int STAGGER_BYTES = 17 * ALIGNMENT_BYTES;

  private static final Logger LOG = System.getLogger(TensorArena.class.getName());
  private static final Cleaner CLEANER = Cleaner.create();
  // Frames of these say nothing about who asked.
  private static final Set<String> ALLOCATORS =
      Set.of(
          TensorArena.class.getName(),
          Parameters.class.getName(),
          Parameters.Layout.class.getName());

  private final Ledger ledger;
  private final Cleaner.Cleanable leakReport;

  private TensorArena(String name, boolean tracked) {
    this.ledger = new Ledger(name, Arena.ofShared(), tracked);
    this.leakReport = CLEANER.register(this, ledger::reportIfOpen);
  }

  /** Opens an arena. The name appears in messages. */
  public static TensorArena open(String name) {
    return new TensorArena(Objects.requireNonNull(name, "name"), false);
  }

  /**
   * Opens an arena that also records where each tensor was allocated, for leak reports and
   * use-after-close messages.
   */
  public static TensorArena openTracked(String name) {
    return new TensorArena(Objects.requireNonNull(name, "name"), true);
  }

  /**
   * Allocates a zeroed, contiguous tensor.
   *
   * @throws IllegalStateException if the arena is closed
   * @throws OutOfMemoryError if the system has no memory left; nothing changes then
   */
  public Tensor allocate(String tensorName, DType dtype, long... extents) {
    return allocate(tensorName, dtype, Shape.of(extents));
  }

  /** Calls {@link #allocate(String, DType, long...)} with a shape. */
  public Tensor allocate(String tensorName, DType dtype, Shape shape) {
    Objects.requireNonNull(tensorName, "name");
    long bytes = shape.bytes(dtype);
    if (bytes > Long.MAX_VALUE - ALIGNMENT_BYTES - PAGE_BYTES) {
      throw new IllegalArgumentException(
          "tensor '%s': %,d bytes cannot be allocated".formatted(tensorName, bytes));
    }
    requireOpen(tensorName);
    // One cache line more than asked for: kernels may then read the last row by whole vectors.
    long needed = bytes + ALIGNMENT_BYTES;
    long shift = bytes < STAGGERED_BYTES ? 0 : ledger.nextShift();
    MemorySegment memory = ledger.arena.allocate(needed + shift, ALIGNMENT_BYTES);
    return adopt(tensorName, dtype, shape, memory.asSlice(shift), false);
  }

  /**
   * Maps a file as a contiguous tensor: one mapping of any size, no copy. The bytes are taken as
   * they are, in native order.
   *
   * @param mode {@link MapMode#READ_ONLY}, {@link MapMode#PRIVATE} (writes stay in memory; the file
   *     must be writable all the same), or {@link MapMode#READ_WRITE} (writes reach the file)
   * @param fileOffset where the first element is, a multiple of the element size
   * @throws IllegalArgumentException if the file is too short, naming both sizes
   */
  public Tensor map(
      String tensorName, Path file, MapMode mode, long fileOffset, DType dtype, long... extents)
      throws IOException {
    Set<StandardOpenOption> options =
        mode == MapMode.READ_ONLY
            ? Set.of(StandardOpenOption.READ)
            : Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE);
    try (FileChannel channel = FileChannel.open(file, options)) {
      return map(tensorName, channel, file.toString(), mode, fileOffset, dtype, Shape.of(extents));
    }
  }

  /**
   * Maps as {@link #map(String, Path, MapMode, long, DType, long...)} a file that is open, whatever
   * has its name by now. The channel may be closed afterwards; the tensor stays.
   *
   * @throws IllegalArgumentException if the file is too short, or not open as the mode needs it
   */
  public Tensor map(
      String name, FileChannel channel, MapMode mode, long offset, DType dtype, long... extents)
      throws IOException {
    return map(name, channel, "the file", mode, offset, dtype, Shape.of(extents));
  }

  private Tensor map(
      String tensorName,
      FileChannel channel,
      String file,
      MapMode mode,
      long fileOffset,
      DType dtype,
      Shape shape)
      throws IOException {
    requireOpen(tensorName);
    if (fileOffset < 0 || fileOffset % dtype.bytes() != 0) {
      throw new IllegalArgumentException(
          "tensor '%s': file offset %d is not a multiple of %d"
              .formatted(tensorName, fileOffset, dtype.bytes()));
    }
    long bytes = shape.bytes(dtype);
    long size = channel.size();
    if (size < fileOffset || size - fileOffset < bytes) {
      throw new IllegalArgumentException(
          "tensor '%s': shape %s of %s needs %,d bytes from offset %,d, %s has %,d bytes"
              .formatted(tensorName, shape, dtype, bytes, fileOffset, file, size));
    }
    try {
      MemorySegment memory = channel.map(mode, fileOffset, bytes, ledger.arena);
      return adopt(tensorName, dtype, shape, memory, true);
    } catch (NonReadableChannelException | NonWritableChannelException e) {
      throw new IllegalArgumentException(
          "tensor '%s': mode %s needs a channel that is open for reading%s"
              .formatted(tensorName, mode, mode == MapMode.READ_ONLY ? "" : " and writing"),
          e);
    }
  }

  private Tensor adopt(
      String tensorName, DType dtype, Shape shape, MemorySegment memory, boolean isMapped) {
    String site = ledger.tracked ? callSite() : null;
    ledger.add(new Allocation(tensorName, dtype, shape, site));
    return Tensor.over(tensorName, dtype, shape, new HostStorage(memory, this, site, isMapped));
  }

  /** {@inheritDoc} A backend uses it for device memory. */
  @Override
  public void attach(AutoCloseable resource) {
    Objects.requireNonNull(resource, "resource");
    whileOpen(
        () -> {
          if (!isOpen()) {
            throw new IllegalStateException(
                "%s cannot be kept by %s, which is closed".formatted(resource, this));
          }
          ledger.attached.add(resource);
        });
  }

  /** Returns the number of bytes of the tensors allocated or mapped so far. */
  public long bytes() {
    return ledger.bytes();
  }

  /** True until {@link #close} is called. */
  public boolean isOpen() {
    return ledger.arena.scope().isAlive();
  }

  /** Describes each tensor in a line, largest first, with its allocation site if tracked. */
  public String report() {
    return ledger.report();
  }

  /**
   * Frees everything. Later use of a tensor throws; a second close does nothing.
   *
   * @throws IllegalStateException if a native call is using the arena's host memory at this moment;
   *     none of it is freed then, but tensors on devices are
   */
  @Override
  public void close() {
    ledger.close();
    leakReport.clean();
  }

  /** Runs something during which no memory is freed: closing waits for it. */
  void whileOpen(Runnable call) {
    synchronized (ledger) {
      call.run();
    }
  }

  private void requireOpen(String tensorName) {
    if (!isOpen()) {
      throw new IllegalStateException(
          "tensor '%s' cannot be allocated: %s is closed".formatted(tensorName, this));
    }
  }

  @Override
  public String toString() {
    return "arena '" + ledger.name + "'";
  }

  private static String callSite() {
    return StackWalker.getInstance()
        .walk(
            frames ->
                frames
                    .filter(frame -> !ALLOCATORS.contains(frame.getClassName()))
                    .limit(6)
                    .map(frame -> "at " + frame.toStackTraceElement())
                    .collect(Collectors.joining(" ")));
  }

  private record Allocation(String name, DType dtype, Shape shape, String allocatedAt) {
    long bytes() {
      return shape.bytes(dtype);
    }

    String line() {
      String at = allocatedAt == null ? "" : "  " + allocatedAt;
      return "  %,d bytes  %s %s%s%s".formatted(bytes(), name, dtype, shape, at);
    }
  }

  /** Apart from the arena, so that the leak report does not keep it reachable. */
  private static final class Ledger {
    private static final int REPORTED_LINES = 50;

    private final String name;
    private final Arena arena;
    private final boolean tracked;
    private final List<Allocation> allocations = new ArrayList<>();
    private final List<AutoCloseable> attached = new ArrayList<>();
    private long bytes;
    private long shift;

    Ledger(String name, Arena arena, boolean tracked) {
      this.name = name;
      this.arena = arena;
      this.tracked = tracked;
    }

    /** Bytes by which the next large tensor is moved, a multiple of the alignment below a page. */
    synchronized long nextShift() {
      shift = (shift + STAGGER_BYTES) % PAGE_BYTES;
      return shift;
    }

    synchronized void add(Allocation allocation) {
      allocations.add(allocation);
      bytes += allocation.bytes();
    }

    synchronized long bytes() {
      return bytes;
    }

    synchronized String report() {
      String lines =
          allocations.stream()
              .sorted((a, b) -> Long.compare(b.bytes(), a.bytes()))
              .limit(REPORTED_LINES)
              .map(Allocation::line)
              .collect(Collectors.joining("\n"));
      int more = allocations.size() - REPORTED_LINES;
      String rest = more > 0 ? "\n  and " + more + " more" : "";
      return "arena '%s': %,d bytes in %,d tensors\n%s%s"
          .formatted(name, bytes, allocations.size(), lines, rest);
    }

    synchronized void reportIfOpen() {
      if (arena.scope().isAlive()) {
        LOG.log(
            Level.WARNING, "leak: an arena became unreachable without being closed; " + report());
      }
    }

    synchronized void close() {
      if (!arena.scope().isAlive()) {
        return;
      }
      RuntimeException failure = null;
      for (AutoCloseable resource : attached.reversed()) {
        try {
          resource.close();
        } catch (Exception e) {
          if (failure == null) {
            failure =
                new IllegalStateException(
                    "arena '%s': closing %s: %s".formatted(name, resource, e.getMessage()), e);
          } else {
            failure.addSuppressed(e);
          }
        }
      }
      attached.clear();
      arena.close();
      if (failure != null) {
        throw failure;
      }
    }
  }
}
