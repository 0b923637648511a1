package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.Transpose;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Closing a backend beside every kind of call: a call ends normally, or in the one sentence that
 * says which backend was closed.
 */
@Tag("simd")
@Tag("alone")
@Order(1)
@Tag("widest")
class ClosingStressTest {
  private static final boolean SLOW = Boolean.getBoolean("panagrad.test.slow");
  private static final int ROUNDS = SLOW ? 10_000 : 100;
  private static final int THREADS = 2;

  /** Threads that keep processors busy; beside the fast run there are other tests. */
  private static final int LOADS = SLOW ? 2 : 0;

  private static final long FEATURES = 33;

  /** A public call, with operands of its own. */
  private record Kind(String name, Preparation preparation) {}

  /** Makes the operands of a call. */
  @FunctionalInterface
  private interface Preparation {
    Runnable on(Backend backend, TensorArena arena);
  }

  /** Elements of a vector: enough for several threads, or few for a software device. */
  private static long count(Backend backend) {
    return backend.usesHostMemory() ? 70_003 : 303;
  }

  private static long rows(Backend backend) {
    return backend.usesHostMemory() ? 400 : 20;
  }

  private static Tensor zeros(Backend backend, TensorArena arena, long... extents) {
    return backend.allocate(arena, "zeros", DType.F32, Shape.of(extents));
  }

  /** A call of linear algebra on two vectors. */
  @FunctionalInterface
  private interface VectorCall {
    void on(LinearAlgebra linear, Tensor x, Tensor y);
  }

  private static Kind vectors(String name, VectorCall call) {
    return new Kind(
        name,
        (backend, arena) -> {
          Tensor x = zeros(backend, arena, count(backend));
          Tensor y = zeros(backend, arena, count(backend));
          return () -> call.on(backend.linear(), x, y);
        });
  }

  private static final List<Kind> KINDS =
      List.of(
          vectors("dot", LinearAlgebra::dot),
          vectors("axpy", (linear, x, y) -> linear.axpy(0.5, x, y)),
          vectors("lerp", (linear, x, y) -> linear.lerp(0.5, x, y)),
          vectors("norm2", (linear, x, y) -> linear.norm2(x)),
          vectors("norm1", (linear, x, y) -> linear.norm1(x)),
          vectors("isFinite", (linear, x, y) -> linear.isFinite(x)),
          vectors("requireOpen", (linear, x, y) -> linear.requireOpen()),
          new Kind("gemv", (backend, arena) -> gemv(backend, arena, Transpose.NO)),
          new Kind("gemv transposed", (backend, arena) -> gemv(backend, arena, Transpose.YES)),
          new Kind(
              "gemm",
              (backend, arena) -> {
                Tensor a = zeros(backend, arena, rows(backend), FEATURES);
                Tensor c = zeros(backend, arena, FEATURES, FEATURES);
                return () -> backend.linear().gemm(Transpose.YES, Transpose.NO, 1, a, a, 0.5, c);
              }),
          new Kind(
              "syrk",
              (backend, arena) -> {
                Tensor a = zeros(backend, arena, rows(backend), FEATURES);
                Tensor c = zeros(backend, arena, FEATURES, FEATURES);
                return () -> backend.linear().syrk(1, a, 0.5, c);
              }),
          new Kind(
              "cholesky",
              (backend, arena) -> {
                Tensor a = zeros(backend, arena, FEATURES, FEATURES);
                return () -> backend.linear().cholesky(a);
              }),
          new Kind(
              "triangularize",
              (backend, arena) -> {
                Shape square = Shape.of(4 * FEATURES, FEATURES);
                Tensor r = backend.allocate(arena, "r", DType.F64, square);
                Tensor blocks = backend.allocate(arena, "blocks", DType.F64, square);
                return () -> backend.linear().triangularize(r, blocks);
              }),
          new Kind("predict", (backend, arena) -> predict(backend, arena, rows(backend))),
          new Kind("predict one row", (backend, arena) -> predict(backend, arena, 1)),
          new Kind(
              "gradient", (backend, arena) -> gradient(backend, arena, rows(backend), 1, false)),
          new Kind("gradient by index", (backend, arena) -> gradient(backend, arena, 30, 3, true)),
          new Kind("gradient of panels", (backend, arena) -> gradient(backend, arena, 8, 70, true)),
          new Kind("rows of the host", ClosingStressTest::uploadedGradient),
          new Kind("apply", (backend, arena) -> step(backend, arena, 103)),
          new Kind("apply on threads", (backend, arena) -> step(backend, arena, count(backend))),
          new Kind("Optimizer.step", ClosingStressTest::optimizerStep),
          new Kind(
              "allocate", (backend, arena) -> () -> discard(round -> zeros(backend, round, 100))),
          new Kind(
              "place",
              (backend, arena) -> {
                Tensor host = arena.allocate("host", DType.F32, 100);
                return () -> discard(round -> backend.place(round, host));
              }),
          new Kind(
              "placeRows",
              (backend, arena) -> {
                Tensor x = arena.allocate("x", DType.F32, 10, 3);
                Tensor y = arena.allocate("y", DType.F32, 10);
                return () -> discard(round -> backend.placeRows(round, new DenseRows(x, y)));
              }),
          new Kind(
              "copy there",
              (backend, arena) -> {
                Tensor host = arena.allocate("host", DType.F32, 1_000);
                Tensor there = zeros(backend, arena, 1_000);
                return () -> backend.copy(host, there);
              }),
          new Kind(
              "copy back",
              (backend, arena) -> {
                Tensor host = arena.allocate("host", DType.F32, 1_000);
                Tensor there = zeros(backend, arena, 1_000);
                return () -> backend.copy(there, host);
              }),
          new Kind(
              "copy",
              (backend, arena) -> {
                Tensor from = zeros(backend, arena, 1_000);
                Tensor to = zeros(backend, arena, 1_000);
                return () -> backend.copy(from, to);
              }),
          new Kind(
              "step",
              (backend, arena) -> () -> backend.step(Adam.of(1e-3), DType.F32, StateFormat.SAME)));

  private static void discard(Consumer<TensorArena> call) {
    try (TensorArena round = TensorArena.open("round")) {
      call.accept(round);
    }
  }

  private static Runnable gemv(Backend backend, TensorArena arena, Transpose transpose) {
    Tensor a = zeros(backend, arena, rows(backend), FEATURES);
    Tensor x = zeros(backend, arena, transpose == Transpose.NO ? FEATURES : rows(backend));
    Tensor y = zeros(backend, arena, transpose == Transpose.NO ? rows(backend) : FEATURES);
    return () -> backend.linear().gemv(transpose, 1, a, x, 0.5, y);
  }

  private static Runnable predict(Backend backend, TensorArena arena, long rows) {
    Tensor x = zeros(backend, arena, rows, FEATURES);
    Linear model = new Linear(zeros(backend, arena, 2, FEATURES), zeros(backend, arena, 2));
    Tensor out = zeros(backend, arena, rows, 2);
    return () -> backend.linear().predict(x, 0, rows, model, out);
  }

  private static Runnable gradient(
      Backend backend, TensorArena arena, long rows, long outputs, boolean isIndexed) {
    Tensor x = zeros(backend, arena, rows, FEATURES);
    Tensor y = zeros(backend, arena, rows, outputs);
    Tensor index = isIndexed ? backend.allocate(arena, "index", DType.I64, Shape.of(rows)) : null;
    Batch batch = new Batch(new DenseRows(x, y), index);
    return gradient(backend, arena, batch);
  }

  private static Runnable gradient(Backend backend, TensorArena arena, Batch batch) {
    long outputs = batch.rows().outputs();
    Linear model = new Linear(zeros(backend, arena, outputs, FEATURES), null);
    Tensor loss = backend.allocate(arena, "loss", DType.F64, Shape.of(outputs));
    Gradient into = new Gradient(zeros(backend, arena, outputs, FEATURES), null, loss);
    Squared squared = new Squared();
    return () -> backend.linear().gradient(batch, 0, batch.positions(), squared, model, into);
  }

  /** Uploaded by a device, batch by batch. */
  private static Runnable uploadedGradient(Backend backend, TensorArena arena) {
    Tensor x = arena.allocate("x", DType.F32, rows(backend), FEATURES);
    Tensor y = arena.allocate("y", DType.F32, rows(backend));
    Tensor index = arena.allocate("index", DType.I64, rows(backend));
    return gradient(backend, arena, new Batch(new DenseRows(x, y), index));
  }

  private static Runnable step(Backend backend, TensorArena arena, long count) {
    Adam rule = Adam.of(1e-3);
    StepKernel kernel = backend.step(rule, DType.F32, StateFormat.SAME).orElseThrow();
    Tensor p = zeros(backend, arena, count);
    Tensor g = zeros(backend, arena, count);
    Tensor[] slots = {zeros(backend, arena, count), zeros(backend, arena, count)};
    StepCoefficients c =
        StepConformanceTest.coefficients(
            rule, DType.F32, StepConformanceTest.Options.of(rule).getFirst());
    return () -> kernel.apply(p, g, slots, 0, count, c);
  }

  private static Runnable optimizerStep(Backend backend, TensorArena arena) {
    Parameters.Layout layout = Parameters.layout().add("w", 3, 17).addExempt("b", 3);
    Tensor flat = zeros(backend, arena, layout.count(DType.F32));
    Tensor gradient = zeros(backend, arena, layout.count(DType.F32));
    Optimizer optimizer =
        Optimizer.of(Adam.of(1e-3))
            .penalty(Penalty.l2(1e-3))
            .clipNorm(1)
            .build(layout.over(flat), backend, arena);
    return () -> optimizer.step(gradient);
  }

  /** Calls until the backend has been closed, and once more. */
  private static final class Caller extends Thread {
    private final Runnable call;
    private final Runnable read;
    private final CountDownLatch begun;
    private final AtomicBoolean isClosed;
    private Throwable end;

    /**
     * Prepares calls of a kind.
     *
     * @param read waits for a device, which would else be ever further behind
     */
    Caller(Kind kind, Runnable call, Runnable read, CountDownLatch begun, AtomicBoolean isClosed) {
      super(kind.name());
      setDaemon(true);
      this.call = call;
      this.read = read;
      this.begun = begun;
      this.isClosed = isClosed;
    }

    @Override
    public void run() {
      boolean isLast = false;
      try {
        for (int calls = 1; !isLast; calls++) {
          isLast = isClosed.get();
          call.run();
          begun.countDown();
          if (calls % 4 == 0) {
            read.run();
          }
        }
      } catch (Throwable e) {
        end = e;
        begun.countDown();
      }
    }
  }

  static List<String> backends() {
    return TestBackends.names();
  }

  @ParameterizedTest
  @MethodSource("backends")
  @Timeout(value = 60, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void everyCallEndsNormallyOrSaysWhatWasClosed(String name) throws InterruptedException {
    AtomicBoolean isOver = new AtomicBoolean();
    for (int i = 0; i < LOADS; i++) {
      Thread load =
          new Thread(
              () -> {
                while (!isOver.get()) {
                  Thread.onSpinWait();
                }
              },
              "load");
      load.setDaemon(true);
      load.start();
    }
    try {
      Set<String> refused = new TreeSet<>();
      SplittableRandom random = new SplittableRandom(19);
      for (int round = 0; round < ROUNDS; round++) {
        refused.addAll(closeBeside(name, round, random));
      }
      // Calls that need no more than memory may go on in host memory.
      assertTrue(refused.size() >= 15, () -> "refused: " + refused);
    } finally {
      isOver.set(true);
    }
  }

  /** Closes beside two kinds of call, and returns those that were refused. */
  private static List<String> closeBeside(String name, int round, SplittableRandom random)
      throws InterruptedException {
    List<Kind> kinds =
        List.of(KINDS.get(round % KINDS.size()), KINDS.get(random.nextInt(KINDS.size())));
    List<String> refused = new ArrayList<>();
    Backend backend = Backends.open(name, new BackendOptions(THREADS));
    try (TensorArena arena = TensorArena.open("operands")) {
      CountDownLatch begun = new CountDownLatch(1);
      AtomicBoolean isClosed = new AtomicBoolean();
      List<Caller> callers = new ArrayList<>();
      Tensor there = zeros(backend, arena, 1);
      Tensor here = arena.allocate("here", DType.F32, 1);
      Runnable read = backend.usesHostMemory() ? () -> {} : () -> backend.copy(there, here);
      for (Kind kind : kinds) {
        Runnable call = kind.preparation().on(backend, arena);
        callers.add(new Caller(kind, call, read, begun, isClosed));
      }
      callers.forEach(Thread::start);
      if (round % 5 > 0) {
        begun.await();
      }
      for (int spin = random.nextInt(5_000); spin > 0; spin--) {
        Thread.onSpinWait();
      }
      backend.close();
      isClosed.set(true);
      String sentence = "backend '%s' was closed; open another one".formatted(name);
      for (Caller caller : callers) {
        caller.join();
        if (caller.end != null) {
          String what = "%s, round %d: %s".formatted(caller.getName(), round, caller.end);
          if (caller.end.getClass() != IllegalStateException.class) {
            throw new AssertionError(what, caller.end);
          }
          assertEquals(sentence, caller.end.getMessage(), what);
          refused.add(caller.getName());
        }
      }
    }
    return refused;
  }
}
