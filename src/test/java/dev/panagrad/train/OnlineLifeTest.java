package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelMismatchException;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A regression goes on from models and files, with every loss, weights and offsets. */
class OnlineLifeTest {
  private static final List<String> AB = List.of("a", "b");
  private static final List<String> Y = List.of("y");

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backends.open("scalar", BackendOptions.defaults());
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private static LinearModel model(double a, double b, double intercept) {
    return new LinearModel(AB, Y, new double[][] {{a, b}}, new double[] {intercept});
  }

  private static OnlineRegression.Builder sgd(double rate) {
    return OnlineRegression.with(Optimizer.of(Sgd.of(rate)));
  }

  private static Standardization moments() {
    return Standardization.of(
        new double[] {10, -3}, new double[] {4, 0.5}, new double[] {100}, new double[] {20});
  }

  @Test
  void startsFromAModelByNames() {
    LinearModel start = model(5, -2, 7);
    for (boolean isStandardized : new boolean[] {false, true}) {
      OnlineRegression.Builder builder = sgd(1e-4).startFrom(start);
      if (isStandardized) {
        builder.standardization(moments());
      }
      try (OnlineRegression same = builder.open(backend, AB, Y)) {
        LinearModel found = same.model();
        assertEquals(5, found.coefficient(0, 0), 1e-14);
        assertEquals(-2, found.coefficient(0, 1), 1e-14);
        assertEquals(7, found.intercept(0), 1e-12);
        // 5 * 1 - 2 * 2 + 7 = 8 is predicted exactly: rounding is all that is left of the loss.
        assertEquals(0, same.update(new double[] {1, 2}, new double[] {8}), 1e-20);
        same.reset();
        assertEquals(found, same.model());
      }
    }
    try (OnlineRegression other =
        sgd(1e-4).startFrom(start).open(backend, List.of("new", "b", "a"), Y)) {
      LinearModel found = other.model();
      assertEquals(List.of("new", "b", "a"), found.features());
      assertEquals(0, found.coefficient(0, 0), 0.0);
      assertEquals(-2, found.coefficient(0, 1), 0.0);
      assertEquals(5, found.coefficient(0, 2), 0.0);
    }
  }

  @Test
  void startsThatDoNotFitAreRefused() {
    OnlineRegression.Builder builder = sgd(0.1).startFrom(model(1, 2, 3));
    refused("are not among", () -> builder.open(backend, List.of("a", "c"), Y));
    refused(
        "has targets ['y'] where ['z'] are trained", () -> builder.open(backend, AB, List.of("z")));
    refused("has intercept 3.0", () -> builder.withoutIntercept().open(backend, AB, Y));
    refused(
        "is of loss 'squared' where 'logistic' is trained",
        () -> sgd(0.1).startFrom(model(1, 2, 3)).loss(new Logistic()).open(backend, AB, Y));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> sgd(0.1).startFrom(model(1, Double.NaN, 3)).open(backend, AB, Y));
    assertTrue(e.getMessage().contains("target 'y' that is not finite"), e::getMessage);
  }

  private static void refused(String message, Runnable call) {
    ModelMismatchException e = assertThrows(ModelMismatchException.class, call::run);
    assertTrue(e.getMessage().contains(message), e::getMessage);
  }

  /** Targets of that loss for a linear predictor. */
  private static double target(Loss loss, double z, Random random) {
    if (loss instanceof Logistic) {
      return random.nextDouble() < loss.mean(z) ? 1 : 0;
    }
    if (loss instanceof Poisson) {
      int count = 0;
      for (double left = random.nextDouble(); left > Math.exp(-Math.exp(z)); count++) {
        left *= random.nextDouble();
      }
      return count;
    }
    return z + 0.3 * random.nextGaussian();
  }

  /**
   * Each loss finds the coefficients 0.5 and -0.3, also from rows with offsets. A rate of r leaves
   * a variance of about r times the gradient's variance over twice the curvature: below 0.01^2
   * here, but for the logistic loss with 0.04^2.
   */
  @Test
  void everyLossIsLearned() {
    for (Loss loss :
        List.of(new Squared(), new Huber(0.5), new Logistic(), new Poisson(), new Quantile(0.5))) {
      for (double offset : new double[] {0, 0.7}) {
        Random random = new Random(5);
        try (OnlineRegression online =
            sgd(loss instanceof Logistic ? 8 : 0.5).loss(loss).forgetting(1).open(backend, AB, Y)) {
          for (int i = 0; i < 40_000; i++) {
            double[] row = {random.nextGaussian(), random.nextGaussian()};
            double z = 0.5 * row[0] - 0.3 * row[1] + 0.2 + offset;
            online.update(row, new double[] {target(loss, z, random)}, 1, offset);
          }
          LinearModel found = online.model();
          // Errors of 1/sqrt(40,000) times the spread of gradients over curvature, at most 4 here.
          assertEquals(0.5, found.coefficient(0, 0), 0.04, loss.text());
          assertEquals(-0.3, found.coefficient(0, 1), 0.04, loss.text());
          assertEquals(0.2, found.intercept(0), 0.04, loss.text());
          assertEquals(offset != 0, found.hasOffset());
          assertEquals(loss, found.loss());
          assertEquals(0, online.refused());
        }
      }
    }
  }

  @Test
  void featuresThatAreNoNumbersAreNamed() {
    try (OnlineRegression online = sgd(0.1).open(backend, AB, Y)) {
      online.update(new double[] {1, 2}, new double[] {2});
      RefusedRowException e =
          assertThrows(
              RefusedRowException.class,
              () -> online.update(new double[] {1, Double.NaN}, new double[] {2}));
      assertTrue(e.getMessage().contains("feature 'b' is not finite"), e::getMessage);
      online.reset();
      e =
          assertThrows(
              RefusedRowException.class,
              () -> online.update(new double[] {1e200, 0}, new double[] {1}));
      assertTrue(e.getMessage().contains("too large for F64"), e::getMessage);
    }
  }

  @Test
  void targetsThatALossDoesNotTakeAreRefused() {
    try (OnlineRegression online = sgd(0.1).loss(new Logistic()).open(backend, AB, Y)) {
      RefusedRowException e =
          assertThrows(
              RefusedRowException.class,
              () -> online.update(new double[] {1, 2}, new double[] {2}));
      assertTrue(e.getMessage().contains("target 'y' has a value"), e::getMessage);
      assertEquals(0, online.optimizer().steps());
    }
  }

  /** A weight of 3 is one step of three times the gradient, and the loss is that of the row. */
  @Test
  void weightsScaleTheStep() {
    try (OnlineRegression plain = sgd(0.03).open(backend, AB, Y);
        OnlineRegression weighted = sgd(0.01).open(backend, AB, Y);
        OnlineRegression batched = sgd(0.01).open(backend, AB, Y);
        TensorArena arena = TensorArena.open("weights")) {
      Tensor x = arena.allocate("x", DType.F64, 1, 2).copyFrom(1, 2);
      Tensor y = arena.allocate("y", DType.F64, 1).copyFrom(4);
      Tensor w = arena.allocate("w", DType.F64, 1).copyFrom(3);
      double[] row = {1, 2};
      double[] target = {4};
      assertTrue(Double.isNaN(weighted.update(row, target, 0, 0)));
      for (int i = 0; i < 5; i++) {
        double loss = plain.update(row, target);
        assertEquals(loss, weighted.update(row, target, 3, 0), 1e-14 * loss);
        assertEquals(loss, batched.update(new DenseRows(x, y, w, null)), 1e-14 * loss);
      }
      for (OnlineRegression other : List.of(weighted, batched)) {
        assertEquals(plain.model().coefficient(0, 1), other.model().coefficient(0, 1), 1e-14);
        assertEquals(5, other.optimizer().steps());
      }
      assertThrows(
          IllegalArgumentException.class, () -> weighted.update(row, target, Double.NaN, 0));
      assertThrows(IllegalArgumentException.class, () -> weighted.update(row, target, -1, 0));
    }
  }

  /** With an intercept alone that has an effect, 1/n is the mean, and f^age weighs the rows. */
  @Test
  void forgettingIsAWeightedMean() {
    for (double factor : new double[] {1, 0.8}) {
      // Curvature 2: rate 1/2 takes the target itself.
      try (OnlineRegression online =
          sgd(0.5).forgetting(factor).open(backend, List.of("zero"), Y)) {
        double sum = 0;
        double weights = 0;
        for (int i = 1; i <= 30; i++) {
          double y = i % 7;
          online.update(new double[] {0}, new double[] {y});
          sum = factor * sum + y;
          weights = factor * weights + 1;
          assertEquals(sum / weights, online.model().intercept(0), 1e-12);
        }
      }
    }
  }

  @Test
  void theAutomaticRateFitsAnyUnit() {
    for (double unit : new double[] {1e-6, 1, 1e6}) {
      Random random = new Random(3);
      try (OnlineRegression online =
          sgd(1).withoutIntercept().automaticRate().open(backend, AB, Y)) {
        for (int i = 0; i < 20_000; i++) {
          double[] row = {unit * random.nextGaussian(), unit * random.nextGaussian()};
          online.update(
              row, new double[] {(2 * row[0] - row[1]) / unit + 0.01 * random.nextGaussian()});
        }
        assertEquals(2 / unit, online.model().coefficient(0, 0), 1e-2 / unit);
        assertEquals(-1 / unit, online.model().coefficient(0, 1), 1e-2 / unit);
      }
    }
    assertThrows(
        IllegalArgumentException.class,
        () ->
            OnlineRegression.with(Optimizer.of(Adam.of(0.1))).automaticRate().open(backend, AB, Y));
    assertThrows(
        IllegalArgumentException.class,
        () -> sgd(1).loss(new Poisson()).automaticRate().open(backend, AB, Y));
  }

  private static double[] row(Random random) {
    return new double[] {random.nextGaussian(), random.nextGaussian()};
  }

  private static void learn(OnlineRegression online, Random random, int rows) {
    for (int i = 0; i < rows; i++) {
      double[] row = row(random);
      online.update(row, new double[] {row[0] - row[1] + 0.1 * random.nextGaussian()});
    }
  }

  @Test
  void goesOnFromAFileBitForBit(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("online.safetensors");
    OnlineRegression.Builder adam =
        OnlineRegression.with(Optimizer.of(Adam.of(1e-2))).forgetting(0.999);
    try (OnlineRegression whole = adam.standardization(moments()).open(backend, AB, Y)) {
      learn(whole, new Random(1), 500);
      whole.save(file);
      OnlineRegression.Builder again =
          OnlineRegression.with(Optimizer.of(Adam.of(1e-2))).forgetting(0.999);
      try (OnlineRegression part = again.restore(backend, AB, Y, file)) {
        assertEquals(whole.model(), part.model());
        learn(whole, new Random(2), 500);
        learn(part, new Random(2), 500);
        assertEquals(whole.model(), part.model());
        // The guard knows what is usual.
        assertThrows(
            RefusedRowException.class, () -> part.update(new double[] {1e6, 1}, new double[] {1}));
      }
      LinearModel before = whole.model();
      differs(adam, AB.reversed(), Y, file, "differs in its online.features");
      differs(adam, AB, List.of("z"), file, "differs in its online.targets");
      differs(adam.loss(new Huber(1)), AB, Y, file, "differs in its online.loss");
      differs(sgd(0.1), AB, Y, file, "differs in its rule");
      differs(again.dtype(DType.F32), AB, Y, file, "differs in its dtype");
      differs(
          sgd(0.1)
              .standardization(
                  Standardization.of(
                      new double[2], new double[] {1, 1}, new double[1], new double[] {1})),
          AB,
          Y,
          file,
          "differs in its standardization");
      assertEquals(before, whole.model());
    }
  }

  private static void differs(
      OnlineRegression.Builder builder,
      List<String> features,
      List<String> targets,
      Path file,
      String message) {
    IOException e =
        assertThrows(
            IOException.class, () -> builder.restore(backend, features, targets, file).close());
    assertTrue(e.getMessage().contains(message), e::getMessage);
  }

  @Test
  void resetAndRollBack() {
    try (OnlineRegression online =
        OnlineRegression.with(Optimizer.of(Adam.of(1e-2))).open(backend, AB, Y)) {
      learn(online, new Random(1), 300);
      LinearModel learned = online.model();
      online.rollBack();
      // After 64 and 128 batches of them: the last that 64 more came after is that after 192.
      assertEquals(192, online.optimizer().steps());
      online.reset();
      assertEquals(0, online.optimizer().steps());
      assertNotEquals(learned, online.model());
      learn(online, new Random(1), 300);
      assertEquals(learned, online.model());
    }
    try (OnlineRegression online = sgd(0.1).withoutGuard().open(backend, AB, Y)) {
      assertThrows(IllegalStateException.class, online::rollBack);
    }
  }

  @Test
  void aSecondThreadIsNamed() throws InterruptedException {
    CountDownLatch isInside = new CountDownLatch(1);
    CountDownLatch isTried = new CountDownLatch(1);
    try (OnlineRegression online = sgd(0.1).open(backend, AB, Y)) {
      Thread first =
          Thread.ofPlatform()
              .name("first")
              .start(
                  () ->
                      online.fit(
                          new Iterator<>() {
                            @Override
                            public boolean hasNext() {
                              isInside.countDown();
                              try {
                                isTried.await();
                              } catch (InterruptedException e) {
                                throw new AssertionError(e);
                              }
                              return false;
                            }

                            @Override
                            public DenseRows next() {
                              throw new AssertionError();
                            }
                          }));
      isInside.await();
      IllegalStateException e =
          assertThrows(
              IllegalStateException.class, () -> online.update(new double[2], new double[] {1}));
      assertTrue(e.getMessage().contains("while thread 'first' does"), e::getMessage);
      assertThrows(IllegalStateException.class, online::model);
      isTried.countDown();
      first.join();
      online.update(new double[2], new double[] {1});
    }
  }

  @Test
  void closingDuringUpdatesEndsInOneSentence() throws InterruptedException {
    for (int round = 0; round < 50; round++) {
      OnlineRegression online = sgd(1e-3).open(backend, AB, Y);
      CountDownLatch isRunning = new CountDownLatch(1);
      Throwable[] end = {null};
      Thread updating =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      while (true) {
                        online.update(new double[] {1, 2}, new double[] {3});
                        isRunning.countDown();
                      }
                    } catch (Throwable e) {
                      end[0] = e;
                    }
                  });
      isRunning.await();
      online.close();
      updating.join();
      assertEquals(IllegalStateException.class, end[0].getClass());
      assertTrue(end[0].getMessage().startsWith("the regression is closed"), end[0]::getMessage);
      assertFalse(end[0].getMessage().contains("tensor"));
    }
  }
}
