package dev.panagrad.tune;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The range test finds what is known of a quadratic. */
class RateRangeTestTest {
  private Backend backend;
  private TensorArena arena;

  @BeforeEach
  void open() {
    backend = Backends.openHost(BackendOptions.defaults());
    arena = TensorArena.open("rows");
  }

  @AfterEach
  void close() {
    arena.close();
    backend.close();
  }

  /**
   * Descent diverges above 2 / L. The ends are 5% apart; and 50 steps at 1.05 times 2 / L let the
   * largest direction grow by 1.1^50 = 117 in length, which doubles the loss where that direction
   * has at least a 13,000th of it.
   */
  @ParameterizedTest
  @CsvSource({"F64, 40, 3", "F64, 200, 12", "F32, 60, 5"})
  void descentDivergesAboveTwoOverCurvature(DType dtype, int rows, int cols) {
    Dataset data = Datasets.plane(arena, dtype, 7, rows, cols, 1, 1);
    double largest =
        Trainer.with(Optimizer.of(new GradientDescent(1e-3)))
            .epochs(1)
            .certify()
            .fit(data, backend)
            .certificate()
            .largestCurvature();
    RateCurve curve = RateRangeTest.standard().run(backend, data, new GradientDescent(1), rows, 0);
    double ratio = curve.divergence() / (2 / largest);
    assertTrue(ratio > 0.99 && ratio < 1.11, "found 2 / L times " + ratio);
    assertTrue(curve.steepest() < curve.divergence());
  }

  @Test
  void ratesGrowByOneFactor() {
    Dataset data = Datasets.plane(arena, DType.F64, 1, 30, 2, 1, 1);
    RateCurve curve = new RateRangeTest(1e-4, 1e-2, 21).run(backend, data, Sgd.of(1), 8, 0);
    assertEquals(21, curve.points().size());
    assertTrue(Double.isNaN(curve.divergence()));
    for (int i = 0; i < 21; i++) {
      double expected = 1e-4 * Math.pow(10, i / 10.0);
      assertEquals(expected, curve.points().get(i).rate(), 1e-12 * expected);
    }
  }

  /**
   * Adam's rate is a length: its first steps are as long as the rate in each parameter, whatever
   * the gradient. Weights of about 1 and an intercept of 3 are doubly missed from some rate on.
   */
  @Test
  void adamOvershoots() {
    Dataset data = Datasets.plane(arena, DType.F64, 1, 64, 2, 1, 1);
    RateCurve curve = new RateRangeTest(1e-4, 1e3, 150).run(backend, data, Adam.of(1), 16, 0);
    assertTrue(curve.divergence() > 0.1 && curve.divergence() < 100, "" + curve.divergence());
  }

  @Test
  void repeatable() {
    Dataset data = Datasets.plane(arena, DType.F32, 1, 100, 3, 2, 1);
    RateCurve first = RateRangeTest.standard().run(backend, data, Adam.of(1), 8, 5);
    assertEquals(first, RateRangeTest.standard().run(backend, data, Adam.of(1), 8, 5));
    assertTrue(!first.equals(RateRangeTest.standard().run(backend, data, Adam.of(1), 8, 6)));
  }

  @Test
  void beginsTooHigh() {
    Dataset data = Datasets.plane(arena, DType.F64, 1, 30, 2, 1, 1);
    String message = failure(new RateRangeTest(100, 1000, 50), data);
    assertTrue(message.contains("lowest learning rate, 100,"), message);
    assertTrue(message.contains("begin lower, for example at 0.1"), message);
  }

  @Test
  void featuresThatSayNothing() {
    Dataset data = Datasets.of(arena, DType.F64, new double[12][2], new double[12][1]);
    for (int i = 0; i < 12; i++) {
      data.y().set(i, 0, i % 2 == 0 ? 1 : -1);
    }
    String message = failure(RateRangeTest.standard(), data);
    assertTrue(message.contains("falls at no learning rate from 1.00e-06 to 10"), message);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void valuesThatAreNotFinite(double value) {
    Dataset data = Datasets.plane(arena, DType.F64, 1, 30, 2, 1, 1);
    data.y().set(3, 0, value);
    String message = failure(RateRangeTest.standard(), data);
    assertTrue(message.contains("before any step"), message);
  }

  private String failure(RateRangeTest test, Dataset data) {
    return assertThrows(
            IllegalArgumentException.class,
            () -> test.run(backend, data, new GradientDescent(1), data.rows(), 0))
        .getMessage();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 50",
    "-1, 1, 50",
    "NaN, 1, 50",
    "1, 1, 50",
    "2, 1, 50",
    "1, Infinity, 50",
    "1, 2, 9"
  })
  void rangesRefused(double low, double high, int steps) {
    assertThrows(IllegalArgumentException.class, () -> new RateRangeTest(low, high, steps));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, 31})
  void batchesRefused(long batch) {
    Dataset data = Datasets.plane(arena, DType.F64, 1, 30, 2, 1, 1);
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> RateRangeTest.standard().run(backend, data, Sgd.of(1), batch, 0))
            .getMessage();
    assertTrue(message.contains(Long.toString(batch)), message);
  }
}
