package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code triangularize} against sums of products and against Givens rotations, both in plain loops.
 *
 * <p>m reflections of b + 1 elements leave {@code R = Q^T ([R; A] + E)} with {@code |e_j| <= g |[R;
 * A]_j|} for each column j, {@code g = m (b + 12) u} and u the unit roundoff (Higham 2002, lemma
 * 19.3, with 11 operations beside the sums of a reflection).
 */
@Tag("simd")
@Tag("conformance")
class TriangularizeConformanceTest {
  private static final int[] BLOCKS = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 64, 65, 128};
  private static final int[] PAIRS = {1, 2, 5};
  private static final double BELOW = 77; // what stands below diagonals

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.conforming(2);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  /** Triangles and blocks as arrays: {@code r[pair][row][column]}, {@code a[pair][column][row]}. */
  @SuppressWarnings("ArrayRecordComponent") // read, not compared
  private record Problem(double[][][] r, double[][][] a) {
    /** Triangles of zeros, or with so large a diagonal that their inverses are below 1/m. */
    static Problem random(Random random, int pairs, int m, int b, boolean isEmpty) {
      Problem made = new Problem(new double[pairs][m][m], new double[pairs][m][b]);
      for (int p = 0; p < pairs; p++) {
        for (int i = 0; i < m; i++) {
          for (int c = i; c < m && !isEmpty; c++) {
            double off = 2 * random.nextDouble() - 1;
            made.r[p][i][c] = i != c ? off : (i % 2 == 0 ? 2 : -2) * m;
          }
          for (int row = 0; row < b; row++) {
            made.a[p][i][row] = random.nextGaussian();
          }
        }
      }
      return made;
    }

    int m() {
      return r[0].length;
    }

    int b() {
      return a[0][0].length;
    }

    /** Puts them into tensors with room between rows. */
    Tensor[] tensors(Sentinels memory) {
      int m = m();
      int pairs = r.length;
      Tensor triangles = memory.tensor("r", DType.F64, 1, (long) pairs * m, m + 3);
      Tensor blocks = memory.tensor("blocks", DType.F64, 3, (long) pairs * m, b() + 2);
      triangles.fill(BELOW);
      blocks.fill(BELOW);
      Tensor[] views = {triangles.columns(2, m), blocks.columns(1, b())};
      for (int p = 0; p < pairs; p++) {
        for (int i = 0; i < m; i++) {
          for (int c = i; c < m; c++) {
            views[0].set((long) p * m + i, c, r[p][i][c]);
          }
          for (int row = 0; row < b(); row++) {
            views[1].set((long) p * m + i, row, a[p][i][row]);
          }
        }
      }
      return new Tensor[] {views[0], views[1], triangles, blocks};
    }

    /** Givens rotations of one row of a block after the other (Golub and Van Loan 2013, 5.1.8). */
    double[][] rotated(int pair) {
      int m = m();
      double[][] into = new double[m][];
      for (int i = 0; i < m; i++) {
        into[i] = r[pair][i].clone();
      }
      for (int row = 0; row < b(); row++) {
        double[] next = new double[m];
        for (int c = 0; c < m; c++) {
          next[c] = a[pair][c][row];
        }
        for (int j = 0; j < m; j++) {
          double length = Math.hypot(into[j][j], next[j]);
          double cosine = length == 0 ? 1 : into[j][j] / length;
          double sine = length == 0 ? 0 : next[j] / length;
          for (int c = j; c < m; c++) {
            double above = into[j][c];
            into[j][c] = cosine * above + sine * next[c];
            next[c] = cosine * next[c] - sine * above;
          }
        }
      }
      return into;
    }

    /** The square of the length of a column of the triangle and of the block. */
    double squares(int pair, int c) {
      return product(pair, c, c);
    }

    /** An element of {@code R^T R + A^T A}. */
    double product(int pair, int c, int d) {
      double sum = 0;
      for (int i = 0; i <= Math.min(c, d); i++) {
        sum += r[pair][i][c] * r[pair][i][d];
      }
      for (int row = 0; row < b(); row++) {
        sum += a[pair][c][row] * a[pair][d][row];
      }
      return sum;
    }
  }

  /** What a backend makes of it, with everything around checked. */
  private static double[][][] factors(Backend backend, Problem problem, String what) {
    int m = problem.m();
    try (Sentinels memory = new Sentinels()) {
      Tensor[] tensors = problem.tensors(memory);
      backend.linear().triangularize(tensors[0], tensors[1]);
      memory.check(what);
      double[][][] found = new double[problem.r.length][m][m];
      for (int row = 0; row < tensors[2].rows(); row++) {
        int i = row % m;
        for (int c = 0; c < m + 3; c++) {
          double value = tensors[2].get(row, c);
          if (c < 2 + i || c == m + 2) {
            assertEquals(BELOW, value, what + ": written outside a triangle");
          } else {
            found[row / m][i][c - 2] = value;
          }
        }
        assertEquals(BELOW, tensors[3].get(row, 0), what + ": written before a block");
        assertEquals(BELOW, tensors[3].get(row, problem.b() + 1), what + ": written after a block");
      }
      return found;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 9, 17, 33})
  void triangles(int m) {
    Random random = new Random(m);
    for (int b : BLOCKS) {
      for (int pairs : PAIRS) {
        for (boolean isEmpty : new boolean[] {true, false}) {
          Problem problem = Problem.random(random, pairs, m, b, isEmpty);
          for (Backend backend : backends) {
            String what = "%s m %d b %d pairs %d".formatted(backend.name(), m, b, pairs);
            double[][][] found = factors(backend, problem, what);
            for (int p = 0; p < pairs; p++) {
              products(problem, p, found[p], what);
              if (!isEmpty) {
                rotations(problem, p, found[p], what);
              }
            }
          }
        }
      }
    }
  }

  /** Products of columns that are off by {@code g}, and the sums of at most b + m terms here. */
  private static void products(Problem problem, int pair, double[][] found, String what) {
    int m = problem.m();
    double g = m * (problem.b() + 12) * 0x1p-53;
    double[] lengths = new double[m];
    for (int c = 0; c < m; c++) {
      lengths[c] = Math.sqrt(problem.squares(pair, c));
    }
    for (int c = 0; c < m; c++) {
      for (int d = 0; d <= c; d++) {
        double product = 0;
        for (int i = 0; i <= d; i++) {
          product += found[i][c] * found[i][d];
        }
        double bound = (2 * g + 2 * (problem.b() + m) * 0x1p-53) * lengths[c] * lengths[d];
        assertEquals(problem.product(pair, c, d), product, bound, what);
      }
    }
  }

  /**
   * R changes by at most {@code sqrt(2) k g |[R; A]|} in the Frobenius norm (Stewart 1993, as in
   * Higham 2002, section 19.9), once for each factorization. The smallest singular value is at
   * least m: {@code |r_ii|} less half the sums of the other magnitudes in row and column i (Johnson
   * 1989).
   */
  private static void rotations(Problem problem, int pair, double[][] found, String what) {
    int m = problem.m();
    double squares = 0;
    for (int c = 0; c < m; c++) {
      squares += problem.squares(pair, c);
    }
    double g = m * (problem.b() + 12) * 0x1p-53;
    double bound = 2 * Math.sqrt(2) * g * squares / m;
    double[][] expected = problem.rotated(pair);
    double difference = 0;
    for (int i = 0; i < m; i++) {
      double sign = Math.signum(expected[i][i]) * Math.signum(found[i][i]);
      assertTrue(sign != 0, what);
      for (int c = i; c < m; c++) {
        difference += Math.pow(expected[i][c] - sign * found[i][c], 2);
      }
    }
    assertEquals(0, Math.sqrt(difference), bound, what + " against rotations");
  }

  /** A column of zeros has nothing to reflect, and stays one; the rest is as without it. */
  @Test
  void columnsOfZeros() {
    Random random = new Random(5);
    for (int zero : new int[] {0, 2, 6}) {
      for (boolean isEmpty : new boolean[] {true, false}) {
        Problem problem = Problem.random(random, 2, 7, 20, isEmpty);
        for (int p = 0; p < 2; p++) {
          problem.a[p][zero] = new double[20];
          for (int i = 0; i < 7; i++) {
            problem.r[p][i][zero] = 0;
          }
        }
        for (Backend backend : backends) {
          String what = backend.name() + " zeros in column " + zero;
          double[][][] found = factors(backend, problem, what);
          for (int p = 0; p < 2; p++) {
            products(problem, p, found[p], what);
            for (int i = 0; i <= zero; i++) {
              assertEquals(0, found[p][i][zero], what);
            }
          }
        }
      }
    }
  }

  /** Blocks of zeros leave the bits of triangles alone. */
  @Test
  void blocksOfZeros() {
    Problem problem = Problem.random(new Random(6), 2, 9, 17, false);
    for (double[][] block : problem.a) {
      for (double[] column : block) {
        Arrays.fill(column, 0);
      }
    }
    for (Backend backend : backends) {
      double[][][] found = factors(backend, problem, backend.name());
      for (int p = 0; p < 2; p++) {
        for (int i = 0; i < 9; i++) {
          assertArrayEquals(problem.r[p][i], found[p][i], backend.name());
        }
      }
    }
  }

  @Test
  void refusals() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("refused")) {
        Tensor r = arena.allocate("r", DType.F64, 6, 3).fill(BELOW);
        Tensor blocks = arena.allocate("blocks", DType.F64, 6, 4).fill(BELOW);
        Tensor r32 = arena.allocate("r32", DType.F32, 6, 3).fill(BELOW);
        Tensor blocks32 = arena.allocate("blocks32", DType.F32, 6, 4).fill(BELOW);
        Tensor both = arena.allocate("both", DType.F64, 6, 7).fill(BELOW);
        refused(backend, "'r' of shape [5, 3] is no pile of square matrices", r.rows(0, 5), blocks);
        refused(backend, "'r' of shape [2, 3] is no pile of square", r.rows(0, 2), blocks);
        refused(backend, "'blocks' has shape [5, 4]", r, blocks.rows(0, 5));
        refused(backend, "'r32' is F32 where F64 is needed", r32, blocks);
        refused(backend, "'blocks32' is F32 where F64 is needed", r, blocks32);
        refused(backend, "'r' and ", r, r);
        refused(backend, "'both'", both.columns(0, 3), both.columns(2, 4));
        refused(backend, "'frozen'", frozen("frozen", r), blocks);
        refused(backend, "'frozen'", r, frozen("frozen", blocks));
        for (Tensor t : List.of(r, blocks, r32, blocks32, both)) {
          for (double value : t.toArray()) {
            assertEquals(BELOW, value, t.name());
          }
        }
      }
    }
  }

  private static Tensor frozen(String name, Tensor t) {
    MemorySegment bytes = t.segment().asSlice(t.byteOffset(), t.spanBytes()).asReadOnly();
    return Tensor.wrap(name, bytes, t.dtype(), t.rows(), t.cols());
  }

  private static void refused(Backend backend, String part, Tensor r, Tensor blocks) {
    Exception e =
        assertThrows(
            IllegalArgumentException.class, () -> backend.linear().triangularize(r, blocks));
    assertTrue(e.getMessage().contains(part), backend.name() + ": " + e.getMessage());
  }
}
