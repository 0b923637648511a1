package dev.panagrad.conformance;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.Transpose;
import dev.panagrad.loss.Squared;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Every kernel with every option, on operands large enough to be shared between eight threads, for
 * tests that compare bits. A run leaves what it wrote in tensors, and can be repeated from the same
 * start.
 */
final class KernelRuns {
  private static final boolean IS_SLOW = Boolean.getBoolean("panagrad.test.slow");
  private static final List<DType> TYPES = List.of(DType.F32, DType.F64);

  /** What every count of rows and of elements is divided by. */
  private final int divisor;

  /** Whether steps have kernels of their own, with each option of a step on some type and rule. */
  private final boolean isFused;

  /** Elements of a vector; no multiple of anything. */
  private final long elements;

  private final List<KernelRun> runs = new ArrayList<>();

  private KernelRuns(int divisor, boolean isFused) {
    this.divisor = divisor;
    this.isFused = isFused;
    elements = 100_003 / divisor;
  }

  /**
   * A kernel with its operands to come.
   *
   * @param name says kernel, options, type and sizes, once in the list
   */
  record KernelRun(String name, Preparation preparation) {
    Ready prepare(TensorArena arena) {
      return preparation.on(new Operands(arena));
    }
  }

  /** Makes the operands of a run. */
  @FunctionalInterface
  interface Preparation {
    Ready on(Operands operands);
  }

  /** Operands from one seed. */
  static final class Operands {
    private final TensorArena arena;
    private final SplittableRandom random = new SplittableRandom(11);

    private Operands(TensorArena arena) {
      this.arena = arena;
    }

    Tensor random(DType dtype, long... extents) {
      Tensor t = arena.allocate("random", dtype, extents);
      Noise.fill(random, t);
      return t;
    }

    /** Between {@code least} and twice that; random numbers repeat, since so many cost time. */
    Tensor positive(DType dtype, long count, double least) {
      Tensor t = arena.allocate("positive", dtype, count);
      long first = Math.min(count, 4099);
      for (long i = 0; i < first; i++) {
        t.set(i, least * (1 + random.nextDouble()));
      }
      for (long i = first; i < count; i += first) {
        long piece = Math.min(first, count - i);
        t.slice(i, piece).copyFrom(t.slice(0, piece));
      }
      return t;
    }

    /** Row numbers with repeats. */
    Tensor index(long count, long rows) {
      Tensor t = arena.allocate("index", DType.I64, count);
      for (long i = 0; i < count; i++) {
        t.setLong(i, random.nextLong(rows));
      }
      return t;
    }

    Tensor zeros(DType dtype, long... extents) {
      return arena.allocate("zeros", dtype, extents);
    }
  }

  /** A call and the tensors that it writes, with what they held before. */
  static final class Ready {
    private final Consumer<Backend> call;
    private final List<MemorySegment> written = new ArrayList<>();
    private final List<byte[]> before = new ArrayList<>();

    Ready(Consumer<Backend> call, Tensor... written) {
      this.call = call;
      for (Tensor t : written) {
        MemorySegment bytes = t.segment().asSlice(t.byteOffset(), t.spanBytes());
        this.written.add(bytes);
        before.add(bytes.toArray(ValueLayout.JAVA_BYTE));
      }
    }

    /** Calls the kernel on the operands as they were made. */
    void run(Backend backend) {
      for (int i = 0; i < written.size(); i++) {
        written.get(i).copyFrom(MemorySegment.ofArray(before.get(i)));
      }
      call.accept(backend);
    }

    /** The bits that the last run wrote. */
    List<byte[]> bits() {
      return written.stream().map(bytes -> bytes.toArray(ValueLayout.JAVA_BYTE)).toList();
    }

    /** Whether the last run wrote these bits. */
    boolean wrote(List<byte[]> bits) {
      for (int i = 0; i < written.size(); i++) {
        if (written.get(i).mismatch(MemorySegment.ofArray(bits.get(i))) >= 0) {
          return false;
        }
      }
      return true;
    }
  }

  /** The list, with operands large enough to be shared between threads. */
  static List<KernelRun> all() {
    return all(1, false);
  }

  /**
   * The list, with operands that have fewer rows by that factor.
   *
   * @param hasCompactState with steps that only backends in host memory have
   */
  static List<KernelRun> all(int divisor, boolean hasCompactState) {
    return new KernelRuns(divisor, false).made(hasCompactState);
  }

  /** The list of what the compiler makes of kernels: without the definitions of steps. */
  static List<KernelRun> compiled(int divisor) {
    return new KernelRuns(divisor, true).made(true);
  }

  private List<KernelRun> made(boolean hasCompactState) {
    for (DType dtype : TYPES) {
      gradients(dtype);
      predictions(dtype);
      products(dtype);
      vectors(dtype);
      steps(dtype);
    }
    triangles();
    if (hasCompactState) {
      compactSteps(StateFormat.BF16);
      compactSteps(StateFormat.INT8_BLOCKWISE);
    }
    return runs;
  }

  private long rows(long large) {
    return Math.max(29, large / divisor);
  }

  private void gradients(DType dtype) {
    long[][] shapes = {
      {20_000, 10, 1},
      {30_000, 64, 1},
      {300, 5000, 1},
      {9_001, 33, 1},
      {9_001, 33, 2},
      {9_001, 33, 3},
      {9_001, 33, 7},
      {4_003, 33, 8},
      {2_003, 40, 64},
      {1_200, 300, 5}
    };
    for (long[] shape : shapes) {
      for (boolean indexed : new boolean[] {false, true}) {
        boolean intercept = indexed == (shape[2] % 2 == 0);
        gradient(dtype, rows(shape[0]), shape[1], shape[2], indexed, intercept);
      }
    }
  }

  private void gradient(
      DType dtype, long rows, long features, long outputs, boolean indexed, boolean intercept) {
    String name =
        "gradient %s %d x %d -> %d%s%s"
            .formatted(
                dtype,
                rows,
                features,
                outputs,
                indexed ? " by index" : "",
                intercept ? " with intercepts" : "");
    runs.add(
        new KernelRun(
            name,
            operands -> {
              Tensor x = operands.random(dtype, rows, features);
              Tensor y = operands.random(dtype, rows, outputs);
              Tensor index = indexed ? operands.index(rows, rows) : null;
              Tensor w = operands.random(dtype, outputs, features);
              Tensor b = intercept ? operands.random(dtype, outputs) : null;
              Tensor gw = operands.zeros(dtype, outputs, features);
              Tensor gb = intercept ? operands.zeros(dtype, outputs) : null;
              Tensor loss = operands.zeros(DType.F64, outputs);
              return new Ready(
                  backend ->
                      backend
                          .linear()
                          .gradient(
                              new Batch(new DenseRows(x, y), index),
                              3,
                              rows - 5,
                              new Squared(),
                              new Linear(w, b),
                              new Gradient(gw, gb, loss)),
                  intercept ? new Tensor[] {gw, gb, loss} : new Tensor[] {gw, loss});
            }));
  }

  private void predictions(DType dtype) {
    for (long[] shape : new long[][] {{20_001, 33, 1}, {9_001, 33, 3}, {1_001, 300, 64}}) {
      long rows = rows(shape[0]);
      String name = "predict %s %d x %d -> %d".formatted(dtype, rows, shape[1], shape[2]);
      runs.add(
          new KernelRun(
              name,
              operands -> {
                Tensor x = operands.random(dtype, rows, shape[1]);
                Tensor w = operands.random(dtype, shape[2], shape[1]);
                Tensor b = operands.random(dtype, shape[2]);
                Tensor out = operands.zeros(dtype, rows - 5, shape[2]);
                return new Ready(
                    backend -> backend.linear().predict(x, 3, rows - 5, new Linear(w, b), out),
                    out);
              }));
    }
  }

  private void products(DType dtype) {
    for (Transpose transpose : Transpose.values()) {
      for (long[] shape : new long[][] {{9_001, 40}, {300, 2_003}, {20_000, 7}}) {
        for (double beta : new double[] {0, 0.5}) {
          gemv(dtype, transpose, rows(shape[0]), shape[1], beta);
        }
      }
      for (Transpose transposeB : Transpose.values()) {
        gemm(dtype, transpose, transposeB, rows(300), 150, 200, 0);
        gemm(dtype, transpose, transposeB, rows(1_100), 35, 70, 0.5);
        gemm(dtype, transpose, transposeB, rows(60), 1_100, 300, 0.5);
      }
    }
    for (long[] shape : new long[][] {{300, 400}, {20, 1_100}, {2_000, 30}}) {
      long rows = rows(shape[0]);
      runs.add(
          new KernelRun(
              "syrk %s %d x %d".formatted(dtype, rows, shape[1]),
              operands -> {
                Tensor a = operands.random(dtype, rows, shape[1]);
                Tensor c = operands.zeros(dtype, shape[1], shape[1]).fill(2);
                return new Ready(backend -> backend.linear().syrk(0.7, a, 0.5, c), c);
              }));
    }
    for (int d : new int[] {15, 130, divisor == 1 ? 400 : 200}) {
      runs.add(
          new KernelRun(
              "cholesky " + dtype + " " + d,
              operands -> {
                Tensor a = operands.random(dtype, d, d);
                for (int i = 0; i < d; i++) {
                  a.set(i, i, 2.0 * d);
                }
                Tensor definite = operands.zeros(DType.F64, 1);
                return new Ready(
                    backend -> definite.set(0, backend.linear().cholesky(a) ? 1 : 0), a, definite);
              }));
    }
  }

  private void triangles() {
    for (int[] size : new int[][] {{1, 51, 128}, {5, 33, 65}, {16, 12, 128}, {3, 130, 17}}) {
      int rows = size[0] * size[1];
      runs.add(
          new KernelRun(
              "triangularize %d of %d, blocks of %d".formatted(size[0], size[1], size[2]),
              operands -> {
                Tensor r = operands.random(DType.F64, rows, size[1]);
                Tensor blocks = operands.random(DType.F64, rows, size[2]);
                return new Ready(backend -> backend.linear().triangularize(r, blocks), r, blocks);
              }));
    }
  }

  private void gemv(DType dtype, Transpose transpose, long rows, long cols, double beta) {
    runs.add(
        new KernelRun(
            "gemv %s %d x %d transposed %s beta %s".formatted(dtype, rows, cols, transpose, beta),
            operands -> {
              boolean no = transpose == Transpose.NO;
              Tensor a = operands.random(dtype, rows, cols);
              Tensor x = operands.random(dtype, no ? cols : rows);
              Tensor y = operands.random(dtype, no ? rows : cols);
              return new Ready(backend -> backend.linear().gemv(transpose, 0.7, a, x, beta, y), y);
            }));
  }

  private void gemm(DType dtype, Transpose ta, Transpose tb, long m, long n, long k, double beta) {
    runs.add(
        new KernelRun(
            "gemm %s %d x %d x %d transposed %s %s".formatted(dtype, m, n, k, ta, tb),
            operands -> {
              boolean na = ta == Transpose.NO;
              boolean nb = tb == Transpose.NO;
              Tensor a = operands.random(dtype, na ? m : k, na ? k : m);
              Tensor b = operands.random(dtype, nb ? k : n, nb ? n : k);
              Tensor c = operands.random(dtype, m, n);
              return new Ready(backend -> backend.linear().gemm(ta, tb, 0.7, a, b, beta, c), c);
            }));
  }

  private void vectors(DType dtype) {
    runs.add(
        new KernelRun(
            "dot, norms, axpy, mix " + dtype,
            operands -> {
              Tensor x = operands.random(dtype, elements);
              Tensor y = operands.random(dtype, elements);
              Tensor sums = operands.zeros(DType.F64, 4);
              return new Ready(
                  backend -> {
                    sums.set(0, backend.linear().dot(x, y));
                    sums.set(1, backend.linear().norm1(x));
                    sums.set(2, backend.linear().norm2(x));
                    sums.set(3, backend.linear().isFinite(x) ? 1 : 0);
                    backend.linear().axpy(0.7, x, y);
                    backend.linear().lerp(0.3, x, y);
                  },
                  sums,
                  y);
            }));
  }

  private List<StepConformanceTest.Options> options(UpdateRule rule, boolean isFirstType) {
    List<StepConformanceTest.Options> all = StepConformanceTest.Options.of(rule);
    if (!isFused || IS_SLOW) {
      return all;
    }
    if (rule instanceof Lion || rule instanceof NAdam || rule instanceof Adagrad) {
      return List.of();
    }
    int odd = (StepConformanceTest.RULES.indexOf(rule) + (isFirstType ? 0 : 1)) % 2;
    return all.stream().filter(options -> all.indexOf(options) % 2 == odd).toList();
  }

  /** Two steps from the beginning: the second reads what the first has rounded. */
  private void compactSteps(StateFormat format) {
    for (UpdateRule rule : CompactStepTest.rules(format)) {
      for (StepConformanceTest.Options options : options(rule, format == StateFormat.BF16)) {
        runs.add(
            new KernelRun(
                "step %s %s %s".formatted(rule, options, format),
                operands -> {
                  StepCoefficients c = StepConformanceTest.coefficients(rule, DType.F32, options);
                  int parts = format.tensorsPerSlot();
                  Tensor[] slots = new Tensor[rule.slots().size() * parts];
                  Tensor[] written = new Tensor[1 + slots.length];
                  written[0] = operands.random(DType.F32, elements);
                  for (int s = 0; s < slots.length; s++) {
                    int part = s % parts;
                    slots[s] =
                        operands.zeros(format.dtype(part, DType.F32), format.count(part, elements));
                    written[1 + s] = slots[s];
                  }
                  Tensor g = operands.random(DType.F32, elements);
                  return new Ready(
                      backend -> {
                        StepKernel kernel =
                            StepConformanceTest.kernel(backend, rule, DType.F32, format);
                        for (c.step = 1; c.step <= 2; c.step++) {
                          kernel.apply(written[0], g, slots, 0, elements, c);
                        }
                      },
                      written);
                }));
      }
    }
  }

  private void steps(DType dtype) {
    for (UpdateRule rule : StepConformanceTest.RULES) {
      for (StepConformanceTest.Options options : options(rule, dtype == DType.F32)) {
        runs.add(
            new KernelRun(
                "step %s %s %s".formatted(rule, options, dtype),
                operands -> {
                  StepCoefficients c = StepConformanceTest.coefficients(rule, dtype, options);
                  Tensor[] written = new Tensor[1 + rule.slots().size()];
                  written[0] = operands.random(dtype, elements);
                  Tensor[] slots = new Tensor[rule.slots().size()];
                  for (int s = 0; s < slots.length; s++) {
                    // Second moments above any square of a mean.
                    double least = rule.isNonNegative(s) ? 1 : 0.5;
                    slots[s] = operands.positive(dtype, elements, least);
                    written[1 + s] = slots[s];
                  }
                  Tensor g = operands.random(dtype, elements);
                  return new Ready(
                      backend ->
                          StepConformanceTest.kernel(backend, rule, dtype, StateFormat.SAME)
                              .apply(written[0], g, slots, 0, elements, c),
                      written);
                }));
      }
    }
  }
}
