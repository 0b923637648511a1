package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
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
  private static final int[] FEATURES = {
    1, 2, 3, 7, 10, 15, 16, 17, 31, 40, 64, 70, 90, 100, 128, 1000
  };

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.conforming(2);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
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
                GradientProblem q =
                    new GradientProblem(
                        new Batch(
                            memory.tensor("X", dtype, offset, rows, features),
                            memory.tensor("y", dtype, offset, rows, outputs)),
                        0,
                        rows,
                        new Linear(
                            memory.tensor("w", dtype, offset, outputs, features),
                            intercept ? memory.tensor("b", dtype, offset, outputs) : null),
                        new Gradient(
                            memory.tensor("gw", dtype, offset, outputs, features),
                            intercept ? memory.tensor("gb", dtype, offset, outputs) : null,
                            memory.tensor("loss", DType.F64, 0, outputs)));
                Noise.fill(random, q.x(), q.y(), q.w(), q.b());
                q.run(backend);
                String what =
                    "%s %s %d x %d -> %d".formatted(backend.name(), dtype, rows, features, outputs);
                memory.check(what);
                q.verify(what);
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
                GradientProblem q =
                    new GradientProblem(
                        new Batch(
                            new DenseRows(
                                memory.tensor("X", dtype, 1, rows, features),
                                memory.tensor("y", dtype, 3, rows, outputs)),
                            index),
                        0,
                        rows,
                        new Linear(
                            memory.tensor("w", dtype, 2, outputs, features),
                            bare ? null : memory.tensor("b", dtype, 1, outputs)),
                        new Gradient(
                            memory.tensor("gw", dtype, 1, outputs, features),
                            bare ? null : memory.tensor("gb", dtype, 0, outputs),
                            bare ? null : memory.tensor("loss", DType.F64, 0, outputs)));
                Noise.fill(random, q.x(), q.y(), q.w(), q.b());
                q.run(backend);
                String what =
                    "%s %s %d x %d -> %d".formatted(backend.name(), dtype, rows, features, outputs);
                memory.check(what);
                q.verify(what);
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
              Noise.fill(random, x);
              GradientProblem q =
                  new GradientProblem(
                      new Batch(new DenseRows(x.columns(indexed ? 0 : 1, features), y), index),
                      0,
                      rows,
                      new Linear(
                          memory.tensor("w", dtype, 2, outputs, features),
                          bare ? null : memory.tensor("b", dtype, 1, outputs)),
                      new Gradient(
                          memory.tensor("gw", dtype, 1, outputs, features),
                          bare ? null : memory.tensor("gb", dtype, 0, outputs),
                          bare ? null : memory.tensor("loss", DType.F64, 0, outputs)));
              Noise.fill(random, q.y(), q.w(), q.b());
              q.run(backend);
              String what =
                  "%s %s %d x %d -> %d, %d"
                      .formatted(backend.name(), dtype, rows, features, outputs, variant);
              memory.check(what);
              q.verify(what);
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
          Noise.fill(random, x, y, w, b);
          for (Tensor order : new Tensor[] {null, index}) {
            GradientProblem q =
                new GradientProblem(
                    new Batch(new DenseRows(x, y), order),
                    1,
                    rows - 2,
                    new Linear(w, b),
                    new Gradient(
                        arena.allocate("gw", dtype, outputs, 5),
                        arena.allocate("gb", dtype, outputs),
                        arena.allocate("loss", DType.F64, outputs)));
            q.run(backend);
            q.verify(backend.name() + " " + dtype + " panels", 1024 + 32);
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
            Noise.fill(random, wide, y, w, b);
            Tensor index = arena.allocate("index", DType.I64, 700);
            for (int i = 0; i < 700; i++) {
              index.setLong(i, random.nextInt(rows));
            }
            for (long[] part : new long[][] {{0, 700}, {13, 1}, {100, 37}, {699, 1}}) {
              GradientProblem q =
                  new GradientProblem(
                      new Batch(new DenseRows(x, y), index),
                      part[0],
                      part[1],
                      new Linear(w, b),
                      new Gradient(
                          arena.allocate("gw", dtype, 2, features),
                          arena.allocate("gb", dtype, 2),
                          arena.allocate("loss", DType.F64, 2)));
              q.run(backend);
              q.verify(backend.name() + " " + dtype + " by index, features " + features);
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
          GradientProblem q =
              new GradientProblem(
                  new Batch(arena.allocate("X", dtype, 9, d), arena.allocate("y", dtype, 9, 1)),
                  0,
                  9,
                  new Linear(arena.allocate("w", dtype, 1, d), arena.allocate("b", dtype, 1)),
                  new Gradient(
                      arena.allocate("gw", dtype, 1, d),
                      arena.allocate("gb", dtype, 1),
                      arena.allocate("loss", DType.F64, 1)));
          Noise.fill(random, q.x(), q.y(), q.w(), q.b());
          q.run(backend);
          q.verify(backend.name() + " " + dtype + " wide");
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
                  GradientProblem q =
                      new GradientProblem(
                          new Batch(
                              memory.tensor("X", dtype, rows, features),
                              memory.tensor("y", dtype, rows, outputs)),
                          0,
                          rows,
                          new Linear(
                              memory.tensor("w", dtype, outputs, features),
                              bare ? null : memory.tensor("b", dtype, outputs)),
                          new Gradient(
                              memory.tensor("gw", dtype, outputs, features),
                              bare ? null : memory.tensor("gb", dtype, outputs),
                              bare ? null : memory.tensor("loss", DType.F64, outputs)));
                  Noise.fill(random, q.x(), q.y(), q.w(), q.b());
                  q.run(backend);
                  q.verify("guarded " + backend.name() + " " + rows + " x " + features);
                  Tensor out = memory.tensor("out", dtype, rows, outputs);
                  backend.linear().predict(q.x(), 0, rows, new Linear(q.w(), q.b()), out);
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
   * A kernel may read beyond a row's end, into the next row, and finds in its scratch memory what
   * the call before left: neither must matter.
   */
  @Test
  void aNeighboringRowOfNaNsDoesNotLeakIn() {
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int features : new int[] {1, 3, 9, 17, 25, 40, 100}) {
          for (int outputs : new int[] {1, 5, 64}) {
            try (TensorArena arena = TensorArena.open("neighbors")) {
              Tensor x = arena.allocate("X", dtype, 12, features);
              x.fill(Double.NaN);
              x.rows(3, 6).fill(2);
              Tensor y = arena.allocate("y", dtype, 12, outputs).fill(Double.NaN);
              y.rows(3, 6).fill(0);
              Linear model =
                  new Linear(arena.allocate("w", dtype, outputs, features).fill(1), null);
              Tensor gw = arena.allocate("gw", dtype, outputs, features);
              Tensor loss = arena.allocate("loss", DType.F64, outputs);
              LinearAlgebra linear = backend.linear();
              Gradient into = new Gradient(gw, null, loss);
              Batch batch = new Batch(x, y);
              Batch bad = new Batch(x, arena.allocate("bad", dtype, y.shape()).fill(Double.NaN));
              if (linear.supports(new Logistic())) {
                linear.gradient(bad, 0, 12, new Logistic(), model, into);
                assertTrue(Double.isNaN(gw.get(0)));
                linear.gradient(batch, 3, 6, new Logistic(), model, into);
                assertTrue(linear.isFinite(gw) && linear.isFinite(loss), backend.name());
              }
              linear.gradient(bad, 0, 12, new Squared(), model, into);
              assertTrue(Double.isNaN(gw.get(0)));
              linear.gradient(batch, 3, 6, new Squared(), model, into);
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

  /** Whatever number of rows fills up a group, and whichever path the columns take. */
  @Test
  void infiniteResidualsStayInfinite() {
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (Loss of : List.of(new Squared(), new Huber(1))) {
          for (int rows = 1; rows < 9; rows++) {
            for (int features : new int[] {1, 8, 20, 40, 90, 128, 200}) {
              try (TensorArena arena = TensorArena.open("infinite")) {
                Tensor x = arena.allocate("X", dtype, rows, features).fill(1);
                Tensor y = arena.allocate("y", dtype, rows);
                y.set(rows - 1, Double.POSITIVE_INFINITY);
                Tensor gw = arena.allocate("gw", dtype, 1, features);
                Tensor loss = arena.allocate("loss", DType.F64, 1);
                Linear model = new Linear(arena.allocate("w", dtype, 1, features), null);
                LinearAlgebra linear = backend.linear();
                if (linear.supports(of)) {
                  Gradient into = new Gradient(gw, null, loss);
                  linear.gradient(new Batch(x, y), 0, rows, of, model, into);
                  String what =
                      "%s %s %s %d x %d".formatted(backend.name(), dtype, of, rows, features);
                  double expected = of instanceof Huber ? -2.0 / rows : Double.NEGATIVE_INFINITY;
                  assertEquals(expected, gw.get(features - 1), 1e-6, what);
                  assertEquals(Double.POSITIVE_INFINITY, loss.get(0), what);
                }
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
