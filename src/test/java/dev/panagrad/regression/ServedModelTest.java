package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models are exchanged and closed under threads that predict. */
class ServedModelTest {
  private static final int FEATURES = 20;
  private static final int READERS = 4;
  private static final int SWAPS = 10_000;

  /** Waiting for a reader on a busy machine. */
  private static final long PATIENCE_SECONDS = 60;

  private static final List<String> NAMES =
      IntStream.range(0, FEATURES).mapToObj(f -> "x" + f).toList();

  /**
   * Model v: all coefficients and the intercept are v for the first target and -v for the second. A
   * row of ones gives 21 v and -21 v; a mixture of two models, neither multiples of 21 nor
   * opposites.
   */
  private static LinearModel version(int v) {
    double[][] w = new double[2][FEATURES];
    Arrays.fill(w[0], v);
    Arrays.fill(w[1], -v);
    return new LinearModel(NAMES, List.of("y", "z"), w, new double[] {v, -v});
  }

  private static double[] ones() {
    double[] row = new double[FEATURES];
    Arrays.fill(row, 1);
    return row;
  }

  /** The version that both predictions are by. */
  private static int versionOf(double y, double z) {
    assertEquals(-y, z, 0.0, "two models in one call");
    double v = y / (FEATURES + 1);
    assertEquals(Math.rint(v), v, 0.0, "two models in one sum");
    return (int) v;
  }

  /** One reader: predicts in turn by every form, and tells how often it has. */
  private static int readAll(
      ServedModel served, Tensor x, Tensor out, int latest, AtomicLongArray reads, int reader) {
    double[] row = ones();
    double[] predictions = new double[2];
    served.predict(row, predictions);
    int first = versionOf(predictions[0], predictions[1]);
    assertTrue(first >= latest, "a reader went back from " + latest + " to " + first);
    served.current().predict(x, out);
    int second = versionOf(out.get(0, 0), out.get(0, 1));
    assertEquals(second, versionOf(out.get(1, 0), out.get(1, 1)), "two models in one batch");
    assertTrue(second >= first, "a reader went back from " + first + " to " + second);
    double third = served.predict(row, 0) / (FEATURES + 1);
    assertTrue(third >= second, "a reader went back from " + second + " to " + third);
    reads.incrementAndGet(reader);
    return second;
  }

  private static void awaitReads(AtomicLongArray reads, long more) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    for (int r = 0; r < READERS; r++) {
      long until = reads.get(r) + more;
      while (reads.get(r) < until) {
        assertTrue(System.nanoTime() < deadline, "reader " + r + " stands still");
        LockSupport.parkNanos(100_000);
      }
    }
  }

  @Test
  void eachPredictionIsByOneModel() throws Exception {
    AtomicLongArray reads = new AtomicLongArray(READERS);
    AtomicBoolean isDone = new AtomicBoolean();
    try (ServedModel served = new ServedModel(version(0));
        TensorArena arena = TensorArena.open("readers");
        ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      List<Future<Integer>> results = new ArrayList<>();
      for (int r = 0; r < READERS; r++) {
        int reader = r;
        Tensor x = arena.allocate("x", DType.F32, 2, FEATURES).fill(1);
        Tensor out = arena.allocate("out", DType.F64, 2, 2);
        Callable<Integer> task =
            () -> {
              int latest = 0;
              while (!isDone.get()) {
                latest = readAll(served, x, out, latest, reads, reader);
              }
              return readAll(served, x, out, latest, reads, reader);
            };
        results.add(threads.submit(task));
      }
      try {
        for (int v = 1; v <= SWAPS; v++) {
          assertEquals(v - 1.0, served.swap(version(v)).intercept(0), 0.0);
          if (v % (SWAPS / 4) == 0 && results.stream().noneMatch(Future::isDone)) {
            awaitReads(reads, 1);
          }
        }
      } finally {
        isDone.set(true);
      }
      for (Future<Integer> result : results) {
        assertEquals(SWAPS, result.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
      }
    }
  }

  /** The compiler may not keep the model of a loop that does nothing but predict. */
  @Test
  void swapReachesALoopOfPredictions() throws Exception {
    try (ServedModel served = new ServedModel(version(1))) {
      double[] row = ones();
      double last = 2.0 * (FEATURES + 1);
      FutureTask<Double> result =
          new FutureTask<>(
              () -> {
                double prediction;
                do {
                  prediction = served.predict(row, 0);
                } while (prediction != last);
                return prediction;
              });
      Thread.ofPlatform().daemon().start(result);
      // Long enough for the optimizing compiler; on a machine that is busier, the test sees less.
      assertThrows(TimeoutException.class, () -> result.get(500, TimeUnit.MILLISECONDS));
      served.swap(version(2));
      assertEquals(last, result.get(PATIENCE_SECONDS, TimeUnit.SECONDS), 0.0);
    }
  }

  @Test
  void closingWhileOthersPredict() throws Exception {
    AtomicLongArray reads = new AtomicLongArray(READERS);
    ServedModel served = new ServedModel(version(3));
    try (TensorArena arena = TensorArena.open("readers");
        ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      List<Future<String>> results = new ArrayList<>();
      for (int r = 0; r < READERS; r++) {
        int reader = r;
        Tensor x = arena.allocate("x", DType.F64, 2, FEATURES).fill(1);
        Tensor out = arena.allocate("out", DType.F64, 2, 2);
        Callable<String> task =
            () -> {
              try {
                while (true) {
                  assertEquals(3, readAll(served, x, out, 0, reads, reader));
                }
              } catch (IllegalStateException e) {
                return e.getMessage();
              }
            };
        results.add(threads.submit(task));
      }
      awaitReads(reads, 100);
      served.close();
      for (Future<String> result : results) {
        assertEquals(
            "the served model is closed: there is none to predict with",
            result.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
      }
    }
    assertFalse(served.isOpen());
    served.close();
    assertThrows(IllegalStateException.class, () -> served.swap(version(4)));
    assertThrows(IllegalStateException.class, served::current);
    assertThrows(IllegalStateException.class, () -> served.reload(Path.of("no such file")));
    assertFalse(served.isOpen());
  }

  private static LinearModel named(List<String> features, List<String> targets) {
    return new LinearModel(
        features, targets, new double[targets.size()][features.size()], new double[targets.size()]);
  }

  private static void mismatch(String message, List<String> features, List<String> targets) {
    LinearModel first = named(List.of("a", "b", "c"), List.of("y"));
    try (ServedModel served = new ServedModel(first)) {
      ModelMismatchException e =
          assertThrows(ModelMismatchException.class, () -> served.swap(named(features, targets)));
      assertEquals(message, e.getMessage());
      assertSame(first, served.current());
    }
  }

  @Test
  void modelsOfOtherColumnsAreRefused() {
    mismatch(
        "the served model has 3 features, the next one 3: feature 2 is 'B' where 'b' is served;"
            + " a model of other columns needs a ServedModel of its own",
        List.of("a", "B", "c"),
        List.of("y"));
    mismatch(
        "the served model has 3 features, the next one 3 of the same names in another order:"
            + " feature 1 is 'b' where 'a' is served; train it on columns in the order of the served model",
        List.of("b", "a", "c"),
        List.of("y"));
    mismatch(
        "the served model has 3 features, the next one 2: feature 3 is missing where 'c' is served;"
            + " a model of other columns needs a ServedModel of its own",
        List.of("a", "b"),
        List.of("y"));
    mismatch(
        "the served model has 1 targets, the next one 2: target 2 is 'z' where none is served;"
            + " a model of other columns needs a ServedModel of its own",
        List.of("a", "b", "c"),
        List.of("y", "z"));
  }

  /** A caller reads probabilities, or values. */
  @Test
  void linksStay() {
    try (ServedModel served = new ServedModel(version(1))) {
      served.swap(version(2).withLoss(new Huber(1.5)));
      served.swap(version(3).withLoss(new Quantile(0.9)));
      LinearModel before = served.current();
      ModelMismatchException e =
          assertThrows(
              ModelMismatchException.class, () -> served.swap(version(4).withLoss(new Logistic())));
      assertEquals(
          "the served model is of loss 'quantile', the next one of 'logistic': what they predict differs",
          e.getMessage());
      assertSame(before, served.current());
    }
    try (ServedModel served = new ServedModel(version(1).withLoss(new Logistic()))) {
      served.swap(version(2).withLoss(new Logistic()));
      assertThrows(ModelMismatchException.class, () -> served.swap(version(3)));
      assertThrows(
          ModelMismatchException.class, () -> served.swap(version(3).withLoss(new Poisson())));
      assertEquals(1.0, served.response(ones(), 0), 1e-9);
      double[] both = new double[2];
      served.response(ones(), both);
      assertEquals(served.response(ones(), 1), both[1], 0.0);
    }
  }

  @Test
  void filesAreReloaded(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (ServedModel served = new ServedModel(version(1))) {
      ModelFile.save(version(2), file);
      assertEquals(1, served.reload(file).intercept(0), 0.0);
      assertEquals(42, served.predict(ones(), 0), 0.0);
      LinearModel before = served.current();
      ModelFile.save(named(List.of("a"), List.of("y")), file);
      ModelMismatchException e =
          assertThrows(ModelMismatchException.class, () -> served.reload(file));
      assertTrue(e.getMessage().startsWith("'" + file + "': the served model has 20"));
      Files.write(file, new byte[] {1, 2, 3});
      assertThrows(IOException.class, () -> served.reload(file));
      assertSame(before, served.current());
    }
  }

  @Test
  void statusSaysWhatIsServed(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.safetensors");
    ModelFile.save(version(1), file);
    ServedModel served = ServedModel.load(file);
    try (served) {
      ServedModel.Status first = served.status();
      assertEquals(file, first.source());
      assertEquals(1, first.version());
      served.swap(version(2));
      assertEquals(2, served.status().version());
      assertNull(served.status().source());
      served.reload(file);
      assertThrows(IOException.class, () -> served.reload(folder.resolve("none")));
      LinearModel diverged = constant(NAMES, List.of("y", "z"), Double.NaN);
      assertThrows(IllegalArgumentException.class, () -> served.swap(diverged));
      assertThrows(ModelMismatchException.class, () -> served.swap(version(4).withOffset(true)));
      ServedModel.Status last = served.status();
      assertEquals(new ServedModel.Status(version(1), 3, file, last.loaded(), 1, 1), last);
      assertFalse(last.loaded().isBefore(first.loaded()));
      assertTrue(served.toString().contains("version 3"), served::toString);
    }
    assertNull(served.status().model());
  }

  /** A file that is large takes a while to read; meanwhile it is replaced, and read again. */
  @Test
  void aLaterReloadStays(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("model.safetensors");
    List<String> names = IntStream.range(0, 2_000).mapToObj(f -> "x" + f).toList();
    List<String> targets = IntStream.range(0, 100).mapToObj(j -> "y" + j).toList();
    try (ServedModel served = new ServedModel(constant(names, targets, 0));
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      for (int round = 1; round < 40; round += 2) {
        ModelFile.save(constant(names, targets, round), file);
        Future<LinearModel> earlier = other.submit(() -> served.reload(file));
        ModelFile.save(constant(names, targets, round + 1), file);
        served.reload(file);
        earlier.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertEquals(round + 1, served.current().intercept(0), 0.0);
      }
    }
  }

  private static LinearModel constant(List<String> names, List<String> targets, double value) {
    double[] intercepts = new double[targets.size()];
    Arrays.fill(intercepts, value);
    return new LinearModel(names, targets, new double[targets.size()][names.size()], intercepts);
  }
}
