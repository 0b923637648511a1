package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.narrow;

import dev.panagrad.backend.Linear;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * What {@link FusedRowsF32} reads and adds to, of one thread, in arrays: accesses to them are much
 * smaller for the compiler than to segments.
 */
final class FusedSumsF32 {
  /** Vectors that a row may have. */
  static final int VECTORS = 5;

  final float[] w = new float[VECTORS * LanesF32.COUNT];
  final float[] g = new float[VECTORS * LanesF32.COUNT];
  // Of the rows of a block, and as many more as a vector may read or write beyond the last.
  final float[] y = new float[RowBlock.MAX_ROWS + LanesF32.COUNT];
  final float[] r = new float[RowBlock.MAX_ROWS + LanesF32.COUNT];
  // 1 for a row, 0 where a group was filled up.
  final float[] share = new float[RowBlock.MAX_ROWS + LanesF32.COUNT];
  float intercept;
  private int cols;

  FusedSumsF32() {
    Arrays.fill(share, 1);
  }

  /** Takes the weights, and clears the sums. */
  void begin(Linear model) {
    Tensor weights = model.w();
    cols = (int) weights.cols();
    MemorySegment.copy(weights.segment(), ValueLayout.JAVA_FLOAT, weights.byteOffset(), w, 0, cols);
    Arrays.fill(w, cols, w.length, 0);
    Arrays.fill(g, 0);
    intercept = model.b() == null ? 0 : narrow(Cells.get(model.b(), 0));
  }

  /** Adds the rows of a block, which has their numbers and places. */
  void add(RowBlock block, Tensor targets) {
    readTargets(block, targets, 0, y);
    for (int i = block.firstFilling; i < block.filled; i++) {
      share[i] = block.row[i] < block.count ? 1 : 0;
    }
    FusedRowsF32.add(block, cols, this);
    Arrays.fill(share, block.firstFilling, block.filled, 1);
  }

  /** Reads a column of targets in the order of the block's groups. */
  static void readTargets(RowBlock block, Tensor targets, int column, float[] to) {
    MemorySegment ys = targets.segment();
    long yBytes = targets.rowStride() * LanesF32.BYTES;
    long start = targets.byteOffset() + (long) column * LanesF32.BYTES;
    if (block.isRun() && yBytes == LanesF32.BYTES) {
      long at = start + block.first * yBytes;
      MemorySegment.copy(ys, ValueLayout.JAVA_FLOAT, at, to, 0, block.count);
      Arrays.fill(to, block.count, block.filled, to[block.count - 1]);
      return;
    }
    for (int i = 0; i < block.filled; i++) {
      to[i] = ys.get(ValueLayout.JAVA_FLOAT, start + block.number(i) * yBytes);
    }
  }

  /** Writes the sums to memory, over what is there, and clears them. */
  void drain(MemorySegment sums, long at) {
    MemorySegment.copy(g, 0, sums, ValueLayout.JAVA_FLOAT, at, cols);
    Arrays.fill(g, 0);
  }
}
