package dev.panagrad.tensor;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Advises the system about mapped files: what will be read soon, and what will not be read again
 * for a while. Advice changes no value, and none is given where the system takes none (other than
 * Linux), or where native access is not allowed.
 *
 * <p>Rows are a view of a file that {@link TensorArena#map} has mapped read-only: every method
 * throws {@link IllegalArgumentException} for other memory, wrapped, allocated or mapped in another
 * mode, of which the system would drop what was written, and {@link IllegalStateException} once the
 * arena is closed. An arena that is being closed waits for advice under way.
 *
 * <p>Source: madvise(2), MADV_WILLNEED, MADV_DONTNEED and MADV_NOHUGEPAGE.
 */
public final class MemoryAdvice {
  private static final int WILL_NEED = 3;
  private static final int DO_NOT_NEED = 4;
  private static final int NO_HUGE_PAGES = 15;
  private static final long PAGE_BYTES = 4096;

  /**
   * A fault may bring in this much around the page that it is for, if the file is in the system's
   * memory: 64 KiB by default, 1 MiB on some kernels (fault_around_bytes), and a huge page.
   */
  public static final long FAULT_BYTES = 2 << 20;

  private static final Logger LOG = System.getLogger(MemoryAdvice.class.getName());
  // Null where advice is not taken.
  private static final MethodHandle MADVISE = madvise();

  private MemoryAdvice() {}

  private static MethodHandle madvise() {
    if (!System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux")) {
      return null;
    }
    try {
      Linker linker = Linker.nativeLinker();
      FunctionDescriptor type =
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG, // an address, in the register of one
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT);
      return linker
          .defaultLookup()
          .find("madvise")
          .map(symbol -> linker.downcallHandle(symbol, type))
          .orElse(null);
    } catch (IllegalCallerException e) {
      LOG.log(Level.DEBUG, "no advice about memory is given", e);
      return null;
    }
  }

  /** True if advice reaches the system. */
  public static boolean isTaken() {
    return MADVISE != null;
  }

  /** Says that the rows will be read soon: the system begins to read them from the file. */
  public static void willNeed(Tensor rows) {
    advise(rows, WILL_NEED, PAGE_BYTES);
  }

  /** Says that few rows are read at a time: a page does not bring in megabytes around it. */
  public static void inSmallPages(Tensor rows) {
    advise(rows, NO_HUGE_PAGES, PAGE_BYTES);
  }

  /**
   * Says that the rows will not be read for a while: they no longer count as memory of the process,
   * and are read from the file, or from what the system has kept of it, if they are read again. So
   * are pages beside them that came in with theirs.
   */
  public static void release(Tensor rows) {
    advise(rows, DO_NOT_NEED, FAULT_BYTES);
  }

  /**
   * Advises about what of the mapping begins and ends at a multiple of the unit, a power of two.
   */
  private static void advise(Tensor rows, int advice, long unit) {
    if (!(rows.storage() instanceof HostStorage memory && memory.isMappedReadOnly())) {
      throw new IllegalArgumentException(
          "tensor '%s' is no view of a file that TensorArena.map(READ_ONLY) has mapped; of other memory, advice would lose what was written"
              .formatted(rows.name()));
    }
    ((TensorArena) memory.owner()).whileOpen(() -> advise(rows, memory.segment(), advice, unit));
  }

  /** Everything from the page that the mapping begins on to the one that it ends on is the file. */
  private static void advise(Tensor rows, MemorySegment mapping, int advice, long unit) {
    rows.requireUsable();
    if (MADVISE == null || rows.count() == 0) {
      return;
    }
    long base = mapping.address();
    long first = base + rows.byteOffset();
    long from = Math.max(first & -unit, base & -PAGE_BYTES);
    long to = Math.min((first + rows.spanBytes() + unit - 1) & -unit, base + mapping.byteSize());
    try {
      // The result is not looked at: advice that is not taken harms nobody.
      int _ = (int) MADVISE.invokeExact(from, to - from, advice);
    } catch (Throwable e) {
      throw new AssertionError("madvise does not throw", e);
    }
  }
}
