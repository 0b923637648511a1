package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Every form of predict gives the bits that the documentation of the model defines. */
class PredictionTest {
  private static final int ROWS = 5;
  private static final int TARGETS = 3;

  private static List<String> names(String prefix, int count) {
    return IntStream.range(0, count).mapToObj(i -> prefix + i).toList();
  }

  private static LinearModel model(Random random, int d, int k) {
    double[][] w = new double[k][d];
    double[] b = new double[k];
    for (int j = 0; j < k; j++) {
      b[j] = random.nextGaussian();
      for (int f = 0; f < d; f++) {
        w[j][f] = random.nextGaussian();
      }
    }
    return new LinearModel(names("x", d), names("y", k), w, b);
  }

  /** The definition, step by step. */
  private static double defined(LinearModel model, double[] row, int target) {
    double[] lanes = new double[8];
    int lanesEnd = row.length - row.length % 8;
    for (int f = 0; f < lanesEnd; f++) {
      lanes[f % 8] += model.coefficient(target, f) * row[f];
    }
    double rest = model.intercept(target);
    for (int f = lanesEnd; f < row.length; f++) {
      rest += model.coefficient(target, f) * row[f];
    }
    double even = (lanes[0] + lanes[4]) + (lanes[2] + lanes[6]);
    double odd = (lanes[1] + lanes[5]) + (lanes[3] + lanes[7]);
    return even + odd + rest;
  }

  @Test
  void everyFormGivesTheSameBits() {
    Random random = new Random(1);
    for (int d : new int[] {1, 2, 7, 8, 9, 15, 16, 17, 31, 64, 100, 1003}) {
      LinearModel model = model(random, d, TARGETS);
      try (TensorArena arena = TensorArena.open("predictions")) {
        Tensor wide = arena.allocate("wide", DType.F64, ROWS, d + 3);
        Tensor x64 = wide.columns(2, d);
        Tensor x32 = arena.allocate("x32", DType.F32, ROWS, d);
        double[][] rows = new double[ROWS][d];
        for (int i = 0; i < ROWS; i++) {
          for (int f = 0; f < d; f++) {
            rows[i][f] = (float) random.nextGaussian();
            x64.set(i, f, rows[i][f]);
            x32.set(i, f, rows[i][f]);
          }
        }
        Tensor out64 = arena.allocate("out64", DType.F64, ROWS, TARGETS);
        Tensor wideOut = arena.allocate("wide out", DType.F64, ROWS, TARGETS + 4).fill(-7);
        Tensor out32 = arena.allocate("out32", DType.F32, ROWS, TARGETS);
        model.predict(x64, out64);
        model.predict(x32, wideOut.columns(1, TARGETS));
        model.predict(x64, out32);
        for (int i = 0; i < ROWS; i++) {
          double[] out = new double[TARGETS];
          model.predict(rows[i], out);
          for (int j = 0; j < TARGETS; j++) {
            double expected = defined(model, rows[i], j);
            assertEquals(expected, model.predict(rows[i], j), 0.0, "one target, d = " + d);
            assertEquals(expected, out[j], 0.0, "all targets, d = " + d);
            assertEquals(expected, out64.get(i, j), 0.0, "F64 rows, d = " + d);
            assertEquals(expected, wideOut.get(i, j + 1L), 0.0, "F32 rows, d = " + d);
            assertEquals((float) expected, (float) out32.get(i, j), 0.0f, "F32 out, d = " + d);
          }
          assertEquals(-7, wideOut.get(i, 0), 0.0, "the gap before");
          assertEquals(-7, wideOut.get(i, TARGETS + 1), 0.0, "the gap behind");
        }
      }
    }
  }

  /** Rows of a range go to the rows of the same number, and no others are written. */
  @Test
  void rangesWriteTheirRows() {
    LinearModel model = model(new Random(2), 3, 1);
    try (TensorArena arena = TensorArena.open("range")) {
      Tensor x = arena.allocate("x", DType.F64, 4, 3).copyFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 0);
      Tensor out = arena.allocate("out", DType.F64, 4).fill(99);
      model.predict(x, 1, 2, out);
      assertArrayEquals(
          new double[] {
            99,
            model.predict(new double[] {4, 5, 6}, 0),
            model.predict(new double[] {7, 8, 9}, 0),
            99
          },
          out.toArray());
      model.predict(x, 4, 0, out);
      assertEquals(99, out.get(0), 0.0);
    }
  }

  private static void refused(
      Class<? extends RuntimeException> type, String message, Executable call) {
    RuntimeException e = assertThrows(type, call);
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void arraysThatDoNotFitAreRefused() {
    LinearModel model = model(new Random(3), 2, 2);
    double[] row = {1, 2};
    refused(
        IllegalArgumentException.class,
        "the model has 2 features, the row 3",
        () -> model.predict(new double[3], 0));
    refused(
        IndexOutOfBoundsException.class,
        "the model has 2 targets: there is no target 2",
        () -> model.predict(row, 2));
    refused(IndexOutOfBoundsException.class, "there is no target -1", () -> model.predict(row, -1));
    double[] one = {99};
    refused(
        IllegalArgumentException.class,
        "the model has 2 targets, the array for predictions 1",
        () -> model.predict(row, one));
    assertEquals(99, one[0], 0.0);
    refused(IllegalArgumentException.class, "the same array", () -> model.predict(row, row));
    assertArrayEquals(new double[] {1, 2}, row);
  }

  @Test
  void tensorsThatDoNotFitAreRefusedBeforeTheFirstWrite() {
    LinearModel model = model(new Random(4), 2, 1);
    TensorArena closed = TensorArena.open("closed");
    Tensor freed = closed.allocate("freed", DType.F64, 4, 2);
    closed.close();
    try (TensorArena arena = TensorArena.open("refused")) {
      Tensor x = arena.allocate("x", DType.F64, 4, 2).fill(5);
      Tensor out = arena.allocate("out", DType.F64, 4, 1).fill(99);
      refused(
          IllegalArgumentException.class,
          "'x' has shape [4, 1] where",
          () -> model.predict(x.columns(0, 1), out));
      refused(
          IllegalArgumentException.class,
          "'long' is I64 where F32 or F64 is needed",
          () -> model.predict(arena.allocate("long", DType.I64, 4, 2), out));
      refused(
          IllegalArgumentException.class,
          "'out' has shape [4, 2] where",
          () -> model.predict(x, arena.allocate("out", DType.F64, 4, 2)));
      refused(
          IllegalArgumentException.class,
          "'x' has 3 rows, 'out' for its predictions 4",
          () -> model.predict(x.rows(0, 3), out));
      refused(
          IndexOutOfBoundsException.class,
          "rows [3, 3 + 2) are not inside",
          () -> model.predict(x, 3, 2, out));
      refused(
          IndexOutOfBoundsException.class,
          "are not inside",
          () -> model.predict(x, Long.MAX_VALUE, 2, out));
      refused(
          IllegalArgumentException.class,
          "share memory",
          () -> model.predict(x, x.reshape(8).slice(4, 4)));
      refused(IllegalStateException.class, "'freed'", () -> model.predict(freed, out));
      assertArrayEquals(new double[] {99, 99, 99, 99}, out.toArray());
      assertArrayEquals(new double[] {5, 5, 5, 5, 5, 5, 5, 5}, x.toArray());
    }
  }
}
