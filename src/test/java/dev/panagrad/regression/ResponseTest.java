package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Responses are the losses' means of predictions, in every form. */
class ResponseTest {
  /** Predictions z and -z / 2 of a row z. */
  private static LinearModel model(Loss loss) {
    return new LinearModel(
            List.of("z"), List.of("u", "v"), new double[][] {{1}, {-0.5}}, new double[2])
        .withLoss(loss);
  }

  private static double response(Loss loss, double z) {
    return model(loss).response(new double[] {z}, 0);
  }

  @Test
  void links() {
    assertEquals(0.5, response(new Logistic(), 0), 0);
    assertEquals(1 / (1 + Math.exp(-2)), response(new Logistic(), 2), 1e-16);
    assertEquals(1 / (1 + Math.exp(3)), response(new Logistic(), -3), 1e-16);
    assertEquals(Math.exp(-2), response(new Poisson(), -2), 1e-16);
    for (Loss loss : List.of(new Squared(), new Huber(1), new Quantile(0.9))) {
      assertEquals(-7.25, response(loss, -7.25), 0);
    }
  }

  @Test
  void extremes() {
    for (double z : new double[] {1000, Double.MAX_VALUE}) {
      assertEquals(1.0, response(new Logistic(), z));
      assertEquals(0.0, response(new Logistic(), -z));
      assertEquals(0.0, response(new Poisson(), -z));
      assertEquals(Double.POSITIVE_INFINITY, response(new Poisson(), z));
    }
    // Small, and not 0: 1 - 1 would be.
    assertEquals(Math.exp(-700), response(new Logistic(), -700), 1e-15 * Math.exp(-700));
    assertEquals(Double.NaN, response(new Logistic(), Double.NaN));
  }

  @Test
  void everyFormGivesTheSame() {
    double[] z = {-1000, -2, 0.5, 0.25, 3, 1000};
    for (Loss loss : List.of(new Logistic(), new Poisson(), new Squared(), new Cubic())) {
      LinearModel model = model(loss);
      try (TensorArena arena = TensorArena.open("responses")) {
        for (DType dtype : List.of(DType.F32, DType.F64)) {
          Tensor x = arena.allocate("x", DType.F32, z.length, 1);
          Tensor out = arena.allocate("out", dtype, z.length, 2).fill(-9);
          for (int i = 0; i < z.length; i++) {
            x.set(i, 0, z[i]);
          }
          model.response(x, 2, 3, out);
          assertEquals(-9, out.get(1, 0));
          assertEquals(-9, out.get(5, 1));
          model.response(x, out);
          for (int i = 0; i < z.length; i++) {
            double[] row = {z[i]};
            double[] both = new double[2];
            model.response(row, both);
            double[] defined = {loss.mean(z[i]), loss.mean(-z[i] / 2)};
            assertArrayEquals(defined, both);
            for (int j = 0; j < 2; j++) {
              assertEquals(defined[j], model.response(row, j));
              double rounded = dtype == DType.F32 ? (float) defined[j] : defined[j];
              assertEquals(rounded, out.get(i, j));
            }
            assertEquals(z[i], model.predict(row, 0));
          }
        }
      }
    }
  }

  @Test
  void whatDoesNotFit() {
    LinearModel model = model(new Logistic());
    assertThrows(IllegalArgumentException.class, () -> model.response(new double[2], 0));
    assertThrows(IndexOutOfBoundsException.class, () -> model.response(new double[1], 2));
    double[] out = {7};
    assertThrows(IllegalArgumentException.class, () -> model.response(new double[1], out));
    assertEquals(7, out[0]);
    assertThrows(NullPointerException.class, () -> model.withLoss(null));
  }

  @Test
  void modelsAreOfTheSquaredErrorIfNothingElseIsSaid() {
    LinearModel model =
        new LinearModel(List.of("z"), List.of("u"), new double[1][1], new double[1]);
    assertEquals(new Squared(), model.loss());
    LinearModel other = model.withLoss(new Poisson());
    assertEquals(new Squared(), model.loss());
    assertEquals(new Poisson(), other.loss());
    assertEquals(model.features(), other.features());
  }

  /** A loss of the caller's own. */
  record Cubic() implements Loss {
    @Override
    public String name() {
      return "cubic";
    }

    @Override
    public double differentiate(double[] z, double[] y, double[] s, int count) {
      throw new UnsupportedOperationException("nothing is trained");
    }

    @Override
    public double mean(double z) {
      return z * z * z;
    }

    @Override
    public boolean hasLink() {
      return true;
    }

    @Override
    public double curvature() {
      return 2;
    }
  }
}
