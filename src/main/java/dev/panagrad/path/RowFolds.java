package dev.panagrad.path;

import dev.panagrad.data.RowOrder;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/** Which rows are in which fold: one I64 per row, fold after fold, in order inside each. */
@SuppressWarnings("ArrayRecordComponent") // not compared
record RowFolds(Tensor index, long[] first) {
  /** Deals row i, or the i-th of a shuffle of that seed if not null, to fold i mod k. */
  static RowFolds of(TensorArena arena, long rows, int folds, Long seed) {
    // What fold each row is in, and then, by counting, their places.
    Tensor fold = arena.allocate("fold of a row", DType.I64, rows);
    RowOrder order = seed == null ? null : RowOrder.of(arena, rows, 0, seed);
    if (order != null) {
      order.shuffle(0);
    }
    for (long i = 0; i < rows; i++) {
      fold.setLong(order == null ? i : order.index().getLong(i), i % folds);
    }
    long[] first = new long[folds + 1];
    for (int f = 0; f < folds; f++) {
      first[f + 1] = first[f] + rows / folds + (f < rows % folds ? 1 : 0);
    }
    Tensor index = arena.allocate("rows by fold", DType.I64, rows);
    long[] next = first.clone();
    for (long i = 0; i < rows; i++) {
      index.setLong(next[(int) fold.getLong(i)]++, i);
    }
    return new RowFolds(index, first);
  }

  int count() {
    return first.length - 1;
  }

  long first(int fold) {
    return first[fold];
  }

  long rows(int fold) {
    return first[fold + 1] - first[fold];
  }
}
