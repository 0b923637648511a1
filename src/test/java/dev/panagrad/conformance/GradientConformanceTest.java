package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The gradient kernel of every backend against double-precision loops over the same elements. */
@Tag("simd")
@Tag("conformance")
@Tag("thorough")
class GradientConformanceTest {
  private static final int[] ROWS = {1, 2, 3, 4, 5, 63, 64, 65, 257, 1000};
  private static final int[] FEATURES = {1, 2, 3, 7, 10, 15, 16, 17, 31, 64, 100, 1000};

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.conforming(2);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  /** The operands of one call. */
  private record Problem(
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    void run(Backend backend) {
      backend
          .linear()
          .gradient(
              new Batch(new DenseRows(x, y), index),
              first,
              count,
              new Squared(),
              new Linear(w, b),
              new Gradient(gw, gb, loss));
    }
  }

  private static void randomize(Random random, Tensor... tensors) {
    for (Tensor t : tensors) {
      if (t != null) {
        for (long i = 0; i < t.rows(); i++) {
          for (long j = 0; j < t.cols(); j++) {
            t.set(i, j, random.nextGaussian());
          }
        }
      }
    }
  }

  /**
   * Error of a sum of n rounded products, each row's residual itself a sum of d products: with unit
   * roundoff u and blocks of at most 256 rows summed in the element type, {@code |error| <= (2/n) *
   * (d + 256 + 8) * u * sum_i s_i |x_if|} where {@code s_i = sum_f |x_if w_f| + |b| + |y|} bounds
   * every partial sum of the residual (Higham 2002, section 3.1, with the constants of the lengths
   * of the chains).
   */
  private static void verify(String what, Problem q) {
    verify(what, q, 256);
  }

  /** As above, where up to {@code blockRows} rows are summed in the element type. */
  private static void verify(String what, Problem q, int blockRows) {
    DType dtype = q.x.dtype();
    double u = dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
    int d = (int) q.x.cols();
    double[][] features = Datasets.rows(q.x);
    for (int j = 0; j < q.w.rows(); j++) {
      double[] w = Datasets.rows(q.w.rows(j, 1))[0];
      double[] exact = new double[d];
      double[] bound = new double[d];
      double residuals = 0;
      double residualBound = 0;
      double squares = 0;
      double squareBound = 0;
      for (long i = q.first; i < q.first + q.count; i++) {
        long row = q.index == null ? i : q.index.getLong(i);
        double[] x = features[Math.toIntExact(row)];
        double b = q.b == null ? 0 : q.b.get(j);
        double y = q.y.get(row, j);
        double r = b - y;
        double s = Math.abs(b) + Math.abs(y);
        for (int f = 0; f < d; f++) {
          double product = x[f] * w[f];
          r += product;
          s += Math.abs(product);
        }
        for (int f = 0; f < d; f++) {
          exact[f] += r * x[f];
          bound[f] += s * Math.abs(x[f]);
        }
        residuals += r;
        residualBound += s;
        squares += r * r;
        squareBound += 2 * s * s;
      }
      double scale = 2.0 / q.count;
      double chain = (d + blockRows + 8) * u;
      for (int f = 0; f < d; f++) {
        int output = j;
        int feature = f;
        assertEquals(
            scale * exact[f],
            q.gw.get(j, f),
            scale * chain * bound[f],
            () -> what + " gw " + output + "," + feature);
      }
      if (q.gb != null) {
        assertEquals(
            scale * residuals, q.gb.get(j), scale * chain * residualBound, what + " gb " + j);
      }
      if (q.loss != null) {
        assertEquals(
            squares / q.count, q.loss.get(j), chain * squareBound / q.count, what + " loss");
      }
    }
  }

  @Test
  void sizesTypesOutputsAndIntercepts() {
    Random random = new Random(3);
    int compared = 0;
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int rows : ROWS) {
          for (int features : FEATURES) {
            for (int outputs : new int[] {1, 3}) {
              boolean intercept = (rows + features) % 2 == 0;
              compared++;
              try (Sentinels memory = new Sentinels()) {
                int offset = features % 4;
                Problem q =
                    new Problem(
                        memory.tensor("X", dtype, offset, rows, features),
                        memory.tensor("y", dtype, offset, rows, outputs),
                        null,
                        0,
                        rows,
                        memory.tensor("w", dtype, offset, outputs, features),
                        intercept ? memory.tensor("b", dtype, offset, outputs) : null,
                        memory.tensor("gw", dtype, offset, outputs, features),
                        intercept ? memory.tensor("gb", dtype, offset, outputs) : null,
                        memory.tensor("loss", DType.F64, 0, outputs));
                randomize(random, q.x, q.y, q.w, q.b);
                q.run(backend);
                String what =
                    "%s %s %d x %d -> %d".formatted(backend.name(), dtype, rows, features, outputs);
                memory.check(what);
                verify(what, q);
              }
            }
          }
        }
      }
    }
    assertEquals(backends.size() * 2 * ROWS.length * FEATURES.length * 2, compared);
  }

  /** Groups of outputs, and the number from which they are two matrix products. */
  @Test
  void severalOutputs() {
    Random random = new Random(7);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int rows : new int[] {1, 5, 64, 130}) {
          for (int features : new int[] {1, 3, 16, 17, 40, 64, 100}) {
            for (int outputs : new int[] {2, 4, 5, 8, 15, 63, 64, 70}) {
              boolean bare = (rows + features + outputs) % 2 == 0;
              boolean indexed = (features + outputs) % 3 == 0;
              try (Sentinels memory = new Sentinels()) {
                Tensor index = indexed ? memory.tensor("index", DType.I64, 0, rows) : null;
                for (int i = 0; indexed && i < rows; i++) {
                  index.setLong(i, random.nextInt(rows));
                }
                Problem q =
                    new Problem(
                        memory.tensor("X", dtype, 1, rows, features),
                        memory.tensor("y", dtype, 3, rows, outputs),
                        index,
                        0,
                        rows,
                        memory.tensor("w", dtype, 2, outputs, features),
                        bare ? null : memory.tensor("b", dtype, 1, outputs),
                        memory.tensor("gw", dtype, 1, outputs, features),
                        bare ? null : memory.tensor("gb", dtype, 0, outputs),
                        bare ? null : memory.tensor("loss", DType.F64, 0, outputs));
                randomize(random, q.x, q.y, q.w, q.b);
                q.run(backend);
                String what =
                    "%s %s %d x %d -> %d".formatted(backend.name(), dtype, rows, features, outputs);
                memory.check(what);
                verify(what, q);
              }
            }
          }
        }
      }
    }
  }

  /** Around the widths at which a device takes another kernel, by index and with gaps. */
  @Test
  void widths() {
    Random random = new Random(11);
    int[][] shapes = {
      {300, 255, 1}, {300, 256, 1}, {300, 257, 1}, {70, 1_024, 1}, {70, 1_025, 1},
      {40, 4_095, 1}, {40, 4_096, 1}, {40, 4_097, 1}, {33, 9_001, 1}, {3, 20_001, 1},
      {150, 256, 9}, {150, 257, 3}, {40, 1_023, 3}, {40, 1_024, 17}, {40, 1_025, 3},
      {21, 1_030, 17}, {90, 1_100, 2}, {1, 1_025, 40}
    };
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int[] shape : shapes) {
          int rows = shape[0];
          int features = shape[1];
          int outputs = shape[2];
          for (int variant = 0; variant < 4; variant++) {
            boolean bare = variant % 2 == 0;
            boolean indexed = variant >= 2;
            try (Sentinels memory = new Sentinels()) {
              Tensor index = indexed ? memory.tensor("index", DType.I64, 0, rows) : null;
              for (int i = 0; indexed && i < rows; i++) {
                index.setLong(i, random.nextInt(rows));
              }
              Tensor x = memory.tensor("X", dtype, variant, rows, features + 3L);
              Tensor y = memory.tensor("y", dtype, 3, rows, outputs);
              randomize(random, x);
              Problem q =
                  new Problem(
                      x.columns(indexed ? 0 : 1, features),
                      y,
                      index,
                      0,
                      rows,
                      memory.tensor("w", dtype, 2, outputs, features),
                      bare ? null : memory.tensor("b", dtype, 1, outputs),
                      memory.tensor("gw", dtype, 1, outputs, features),
                      bare ? null : memory.tensor("gb", dtype, 0, outputs),
                      bare ? null : memory.tensor("loss", DType.F64, 0, outputs));
              randomize(random, q.y, q.w, q.b);
              q.run(backend);
              String what =
                  "%s %s %d x %d -> %d, %d"
                      .formatted(backend.name(), dtype, rows, features, outputs, variant);
              memory.check(what);
              verify(what, q);
            }
          }
        }
      }
    }
  }

  /**
   * Panels of rows and sums that are flushed. A product sums at most 1,024 rows in a chain, and at
   * most 8,192 and one panel of 3,072 rows are added up in the element type: fewer than 32 chains.
   */
  @Test
  void manyRowsOfManyOutputs() {
    Random random = new Random(8);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        try (TensorArena arena = TensorArena.open("panels")) {
          int rows = 20_003;
          int outputs = 65;
          Tensor index = arena.allocate("index", DType.I64, rows);
          for (int i = 0; i < rows; i++) {
            index.setLong(i, random.nextInt(rows));
          }
          Tensor x = arena.allocate("X", dtype, rows, 5);
          Tensor y = arena.allocate("y", dtype, rows, outputs);
          Tensor w = arena.allocate("w", dtype, outputs, 5);
          Tensor b = arena.allocate("b", dtype, outputs);
          randomize(random, x, y, w, b);
          for (Tensor order : new Tensor[] {null, index}) {
            Problem q =
                new Problem(
                    x,
                    y,
                    order,
                    1,
                    rows - 2,
                    w,
                    b,
                    arena.allocate("gw", dtype, outputs, 5),
                    arena.allocate("gb", dtype, outputs),
                    arena.allocate("loss", DType.F64, outputs));
            q.run(backend);
            verify(backend.name() + " " + dtype + " panels", q, 1024 + 32);
          }
        }
      }
    }
  }

  @Test
  void rowsByIndexWithRepeatsAndStrides() {
    Random random = new Random(4);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int features : new int[] {1, 5, 16, 33, 200}) {
          try (TensorArena arena = TensorArena.open("index")) {
            int rows = 500;
            Tensor wide = arena.allocate("wide", dtype, rows, features + 7);
            Tensor x = wide.columns(3, features);
            Tensor y = arena.allocate("wide y", dtype, rows, 4).columns(1, 2);
            Tensor w = arena.allocate("w", dtype, 2, features);
            Tensor b = arena.allocate("b", dtype, 2);
            randomize(random, wide, y, w, b);
            Tensor index = arena.allocate("index", DType.I64, 700);
            for (int i = 0; i < 700; i++) {
              index.setLong(i, random.nextInt(rows));
            }
            for (long[] part : new long[][] {{0, 700}, {13, 1}, {100, 37}, {699, 1}}) {
              Problem q =
                  new Problem(
                      x,
                      y,
                      index,
                      part[0],
                      part[1],
                      w,
                      b,
                      arena.allocate("gw", dtype, 2, features),
                      arena.allocate("gb", dtype, 2),
                      arena.allocate("loss", DType.F64, 2));
              q.run(backend);
              verify(backend.name() + " " + dtype + " by index, features " + features, q);
            }
          }
        }
      }
    }
  }

  /**
   * More columns than the inner loops take at once, and a length that is no multiple of anything.
   */
  @Test
  void moreThan65536Features() {
    Random random = new Random(5);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        try (TensorArena arena = TensorArena.open("wide")) {
          int d = 70_003;
          Problem q =
              new Problem(
                  arena.allocate("X", dtype, 9, d),
                  arena.allocate("y", dtype, 9, 1),
                  null,
                  0,
                  9,
                  arena.allocate("w", dtype, 1, d),
                  arena.allocate("b", dtype, 1),
                  arena.allocate("gw", dtype, 1, d),
                  arena.allocate("gb", dtype, 1),
                  arena.allocate("loss", DType.F64, 1));
          randomize(random, q.x, q.y, q.w, q.b);
          q.run(backend);
          verify(backend.name() + " " + dtype + " wide", q);
        }
      }
    }
  }

  /** Every operand ends at a page that may not be touched. */
  @Test
  void nothingIsReadOrWrittenBeyondTheEnd() {
    assumeTrue(Guarded.isSupported(), "guard pages are made with Linux system calls");
    Random random = new Random(6);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int rows : new int[] {1, 2, 4, 5, 64, 130}) {
          for (int features : new int[] {1, 2, 5, 8, 10, 15, 16, 17, 40}) {
            for (int outputs : new int[] {1, 5, 64}) {
              for (boolean bare : new boolean[] {false, true}) {
                try (Guarded memory = new Guarded()) {
                  Problem q =
                      new Problem(
                          memory.tensor("X", dtype, rows, features),
                          memory.tensor("y", dtype, rows, outputs),
                          null,
                          0,
                          rows,
                          memory.tensor("w", dtype, outputs, features),
                          bare ? null : memory.tensor("b", dtype, outputs),
                          memory.tensor("gw", dtype, outputs, features),
                          bare ? null : memory.tensor("gb", dtype, outputs),
                          bare ? null : memory.tensor("loss", DType.F64, outputs));
                  randomize(random, q.x, q.y, q.w, q.b);
                  q.run(backend);
                  verify("guarded " + backend.name() + " " + rows + " x " + features, q);
                  Tensor out = memory.tensor("out", dtype, rows, outputs);
                  backend.linear().predict(q.x, 0, rows, new Linear(q.w, q.b), out);
                  assertTrue(Double.isFinite(out.get(rows - 1, outputs - 1)));
                }
              }
            }
          }
        }
      }
    }
  }

  /**
   * A kernel may read beyond a row's end, into the next row: what it finds there must not matter.
   */
  @Test
  void aNeighboringRowOfNaNsDoesNotLeakIn() {
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int features : new int[] {1, 3, 9, 17, 25}) {
          for (int outputs : new int[] {1, 5, 64}) {
            try (TensorArena arena = TensorArena.open("neighbors")) {
              Tensor x = arena.allocate("X", dtype, 12, features);
              x.fill(Double.NaN);
              x.rows(3, 6).fill(2);
              Tensor y = arena.allocate("y", dtype, 12, outputs);
              Tensor w = arena.allocate("w", dtype, outputs, features).fill(1);
              Tensor gw = arena.allocate("gw", dtype, outputs, features);
              Tensor loss = arena.allocate("loss", DType.F64, outputs);
              backend
                  .linear()
                  .gradient(
                      new Batch(x, y),
                      3,
                      6,
                      new Squared(),
                      new Linear(w, null),
                      new Gradient(gw, null, loss));
              for (int j = 0; j < outputs; j++) {
                for (int f = 0; f < features; f++) {
                  assertEquals(2 * 2 * 2.0 * features, gw.get(j, f), 0.0, backend.name());
                }
                assertEquals(4.0 * features * features, loss.get(j), 0.0);
              }
            }
          }
        }
      }
    }
  }

  /** Sums in the element type alone would be off by percents: 1,000,000 terms of the same sign. */
  @Test
  void aMillionRowsDoNotLoseTheAnswer() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("long")) {
        int rows = 1_000_000;
        Tensor x = arena.allocate("X", DType.F32, rows, 2);
        Tensor y = arena.allocate("y", DType.F32, rows);
        for (int i = 0; i < rows; i++) {
          x.set(i, 0, 1);
          x.set(i, 1, 0.1);
          y.set(i, -0.3);
        }
        Tensor w = arena.allocate("w", DType.F32, 1, 2);
        Tensor gw = arena.allocate("gw", DType.F32, 1, 2);
        Tensor loss = arena.allocate("loss", DType.F64, 1);
        backend
            .linear()
            .gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, null),
                new Gradient(gw, null, loss));
        double r = 0.3f;
        assertEquals(2 * r, gw.get(0, 0), 1e-5 * 2 * r, backend.name());
        assertEquals(2 * r * 0.1f, gw.get(0, 1), 1e-5 * 2 * r * 0.1, backend.name());
        assertEquals(r * r, loss.get(0), 1e-6 * r * r, backend.name());
      }
    }
  }
}
