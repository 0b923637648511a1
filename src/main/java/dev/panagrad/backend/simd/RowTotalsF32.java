package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * The sums of {@link RowSumsF32} in native memory: those of each chunk in the element type, which
 * are added to F64 totals from time to time, and the totals of all chunks.
 *
 * <pre>
 *   scratch of a chunk   | sums [outputs][padded cols] | totals F64 [outputs][padded cols] |
 * </pre>
 */
final class RowTotalsF32 implements AutoCloseable {
  private final Scratch scratch = new Scratch();
  private final MemorySegment last;
  MemorySegment memory;
  // Bytes from the sums of one output to those of the next.
  long outputBytes;
  // True if there are F64 totals, as several chunks need.
  boolean flushes;

  private long cols;
  private int chunks;
  private long sumsBytes;
  private long chunkBytes;

  RowTotalsF32(Arena arena) {
    last = arena.allocate(64, 64);
  }

  /** Takes memory for a call. */
  void prepare(long newCols, int outputs, int newChunks, boolean newFlushes) {
    cols = newCols;
    chunks = newChunks;
    flushes = newFlushes;
    long padded = Math.ceilDiv(cols, LanesF32.COUNT) * LanesF32.COUNT;
    outputBytes = padded * LanesF32.BYTES;
    long sumRows = outputs == 1 ? 1 : Math.ceilDiv((long) outputs, OutputRowsF32.OUTPUTS) * 4;
    sumsBytes = Math.multiplyExact(outputBytes, sumRows);
    long totalsBytes = flushes ? Math.multiplyExact(padded * Double.BYTES, sumRows) : 0;
    chunkBytes = Math.ceilDiv(sumsBytes + totalsBytes, 64) * 64;
    memory = scratch.atLeast(Math.multiplyExact(chunkBytes, chunks));
  }

  /** Clears the sums of a chunk, and returns where they are. */
  long begin(int chunk) {
    long sumsAt = chunk * chunkBytes;
    for (long o = 0; o < chunkBytes; o += Double.BYTES) {
      memory.set(ValueLayout.JAVA_DOUBLE, sumsAt + o, 0.0);
    }
    return sumsAt;
  }

  /** Adds a chunk's sums to its totals and clears them. */
  void flush(long sumsAt) {
    long cells = sumsBytes / LanesF32.BYTES;
    long totalsAt = sumsAt + sumsBytes;
    for (long i = 0; i < cells; i++) {
      long at = totalsAt + i * Double.BYTES;
      double total = memory.get(ValueLayout.JAVA_DOUBLE, at);
      float sum = memory.get(ValueLayout.JAVA_FLOAT, sumsAt + i * LanesF32.BYTES);
      memory.set(ValueLayout.JAVA_DOUBLE, at, total + sum);
      memory.set(ValueLayout.JAVA_FLOAT, sumsAt + i * LanesF32.BYTES, 0);
    }
  }

  /** Adds the totals of all chunks to those of the first, in order. */
  void combine() {
    long bytes = sumsBytes / LanesF32.BYTES * Double.BYTES;
    for (int chunk = 1; chunk < chunks; chunk++) {
      long from = chunk * chunkBytes + sumsBytes;
      for (long o = 0; o < bytes; o += Double.BYTES) {
        double sum =
            memory.get(ValueLayout.JAVA_DOUBLE, sumsBytes + o)
                + memory.get(ValueLayout.JAVA_DOUBLE, from + o);
        memory.set(ValueLayout.JAVA_DOUBLE, sumsBytes + o, sum);
      }
    }
  }

  /** {@code out = scale * (sums of output j) + beta * out}. */
  void write(int j, double scale, double beta, MemorySegment out, long outAt) {
    if (!flushes && beta == 0) {
      writeSums(j * outputBytes, scale, out, outAt);
      return;
    }
    for (long f = 0; f < cols; f++) {
      double total = cell(j * outputBytes / LanesF32.BYTES + f);
      long at = outAt + f * LanesF32.BYTES;
      double old = beta == 0 ? 0 : beta * out.get(ValueLayout.JAVA_FLOAT, at);
      out.set(ValueLayout.JAVA_FLOAT, at, narrow(scale * total + old));
    }
  }

  private double cell(long cell) {
    return flushes
        ? memory.get(ValueLayout.JAVA_DOUBLE, sumsBytes + cell * Double.BYTES)
        : memory.get(ValueLayout.JAVA_FLOAT, cell * LanesF32.BYTES);
  }

  private void writeSums(long sumsAt, double scale, MemorySegment out, long outAt) {
    FloatVector factor = broadcast(SPECIES, narrow(scale));
    long whole = (cols & -LanesF32.COUNT) * LanesF32.BYTES;
    for (long o = 0; o < whole; o += (long) LanesF32.COUNT * LanesF32.BYTES) {
      fromMemorySegment(SPECIES, memory, sumsAt + o, ORDER)
          .mul(factor)
          .intoMemorySegment(out, outAt + o, ORDER);
    }
    if (whole < cols * LanesF32.BYTES) {
      fromMemorySegment(SPECIES, memory, sumsAt + whole, ORDER)
          .mul(factor)
          .intoMemorySegment(last, 0, ORDER);
      MemorySegment.copy(last, 0, out, outAt + whole, cols * LanesF32.BYTES - whole);
    }
  }

  @Override
  public void close() {
    scratch.close();
  }
}
