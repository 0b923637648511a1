package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Quantile;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Sgd;
import dev.panagrad.solver.Exact;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The unit of the targets changes no training of Huber's loss or of quantiles but its numbers. */
class ScaledTargetsTest {
  private static final int ROWS = 400;

  private static Backend backend;

  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    backend = Backends.open("simd", new BackendOptions(1));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  /** As many features as the diabetes data have, and its noise; two targets beside each other. */
  private static Dataset data(TensorArena arena, double unit, int targets) {
    double[][] x = Datasets.normal(1, ROWS, 10);
    double[][] y = Datasets.normal(2, ROWS, targets);
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < targets; j++) {
        y[i][j] = unit * (2 + 0.5 * x[i][0] - 0.3 * x[i][9] + (j + 0.7) * y[i][j]);
      }
    }
    return Datasets.of(arena, DType.F64, x, y);
  }

  private static Loss loss(int degree, double unit) {
    return degree == 2 ? new Huber(unit) : new Quantile(0.3);
  }

  private static TrainingResult fit(Trainer trainer, double unit, int targets) {
    try (TensorArena arena = TensorArena.open("data")) {
      return trainer.standardizeInPlace().fit(data(arena, unit, targets), backend);
    }
  }

  private static Trainer adam(int epochs, Penalty penalty) {
    return Trainer.with(Optimizer.of(Adam.of(0.01)).penalty(penalty)).batchSize(32).epochs(epochs);
  }

  /** The default rate ends as near for targets of any size, and near: within 1% of the minimum. */
  @Test
  void defaultsEndNear() {
    for (int degree : new int[] {1, 2}) {
      double[] above = new double[3];
      double[] units = {1e-3, 1, 1e6};
      for (int i = 0; i < units.length; i++) {
        Loss loss = loss(degree, units[i]);
        double least = fit(Trainer.automatic().loss(loss), units[i], 1).loss();
        above[i] = fit(adam(100, Penalty.none()).loss(loss), units[i], 1).loss() / least - 1;
        assertTrue(above[i] >= -1e-9 && above[i] < 0.01, loss + ": " + above[i]);
        assertEquals(above[0], above[i], 1e-6, loss.toString());
      }
    }
  }

  /** Loss, metrics, held-out loss, history and model have the units of the table. */
  @Test
  void numbersHaveTheUnitsOfTheTable() {
    double unit = 1024; // without rounding
    for (int degree : new int[] {1, 2}) {
      for (int targets : new int[] {1, 2}) {
        TrainingResult[] found = new TrainingResult[2];
        for (int i = 0; i < 2; i++) {
          double u = i == 0 ? 1 : unit;
          // L1 has the unit of the loss less that of parameters, L2 less that of their squares.
          Penalty penalty =
              new Penalty(0.02 * Math.pow(u, degree - 1), 0.01 * Math.pow(u, degree - 2));
          Trainer trainer =
              adam(7, penalty).loss(loss(degree, u)).validation(0.25).keepLast().certify();
          found[i] = fit(trainer, u, targets);
        }
        double power = Math.pow(unit, degree);
        String what = loss(degree, 1) + ", targets " + targets;
        assertEquals(power * found[0].loss(), found[1].loss(), 1e-12 * found[1].loss(), what);
        assertEquals(
            power * found[0].validationMse(), found[1].validationMse(), 1e-12 * found[1].loss());
        assertEquals(
            power * found[0].history().get(3).loss(),
            found[1].history().get(3).loss(),
            1e-12 * found[1].loss());
        assertEquals(
            power * found[0].certificate().objective(),
            found[1].certificate().objective(),
            1e-12 * found[1].loss());
        for (int f = 0; f < 10; f++) {
          double w = found[1].model().coefficient(0, f);
          assertEquals(unit * found[0].model().coefficient(0, f), w, 1e-12 * unit);
        }
        found[1]
            .metrics()
            .forEach(
                (name, value) -> {
                  boolean hasUnit =
                      name.equals("RMSE") || name.equals("MAE") || name.endsWith("loss");
                  double expected = (hasUnit ? unit : 1) * found[0].metrics().get(name);
                  assertEquals(expected, value, 1e-12 * Math.abs(value), name);
                });
        // The model's own predictions of all rows have the loss that is said.
        assertEquals(
            ofModel(found[1], loss(degree, unit), unit, targets),
            found[1].loss(),
            0.2 * found[1].loss());
      }
    }
  }

  /** Powers of two round nothing: methods that look at all rows do the same for any unit. */
  @Test
  void methodsDoTheSameInAnyUnit() {
    record Way(Solver solver, int degree, double l1, double l2) {}
    for (Way way :
        List.of(
            new Way(new Lbfgs(), 2, 0, 0),
            new Way(new Lbfgs(), 2, 0, 0.01),
            new Way(new Fista(), 2, 0.02, 0.01),
            new Way(new Exact(), 1, 0, 0))) {
      for (int targets : new int[] {1, 2}) {
        TrainingResult[] found = new TrainingResult[3];
        double[] units = {1, 0x1p-400, 0x1p400};
        for (int i = 0; i < units.length; i++) {
          // Penalties have the units that numbersHaveTheUnitsOfTheTable says.
          Penalty penalty = new Penalty(way.l1 * Math.pow(units[i], way.degree - 1), way.l2);
          Trainer trainer =
              Trainer.with(way.solver, penalty).loss(loss(way.degree, units[i])).certify();
          found[i] = fit(trainer, units[i], targets);
          assertEquals(StopReason.CONVERGED, found[i].stopReason(), way.toString());
        }
        for (int i = 1; i < units.length; i++) {
          double power = Math.pow(units[i], way.degree);
          assertEquals(found[0].loss(), found[i].loss() / power, way.toString());
          assertEquals(
              found[0].certificate().objective(),
              found[i].certificate().objective() / power,
              way.toString());
          for (int f = 0; f < 10; f++) {
            assertEquals(
                found[0].model().coefficient(0, f),
                found[i].model().coefficient(0, f) / units[i],
                way.toString());
          }
        }
      }
    }
  }

  private static double ofModel(TrainingResult found, Loss loss, double unit, int targets) {
    try (TensorArena arena = TensorArena.open("data")) {
      Dataset data = data(arena, unit, targets);
      double sum = 0;
      for (int i = 0; i < ROWS; i++) {
        double[] x = new double[10];
        for (int f = 0; f < 10; f++) {
          x[f] = data.x().get(i, f);
        }
        for (int j = 0; j < targets; j++) {
          double[] z = {found.model().score(x, j)};
          sum += loss.differentiate(z, new double[] {data.y().get(i, j)}, new double[] {1}, 1);
        }
      }
      return sum / ROWS / targets;
    }
  }

  @Test
  void resumedTrainingsHaveTheSameBits() {
    for (int degree : new int[] {1, 2}) {
      Loss loss = loss(degree, 1e6);
      double whole = fit(adam(6, Penalty.none()).loss(loss), 1e6, 1).loss();
      Checkpoints there = Checkpoints.in(folder.resolve("degree" + degree));
      fit(adam(3, Penalty.none()).loss(loss).checkpoints(there), 1e6, 1);
      Trainer rest = adam(6, Penalty.none()).loss(loss).checkpoints(there).resume();
      assertEquals(whole, fit(rest, 1e6, 1).loss());
    }
  }

  /**
   * Coupled decay of a quantile's parameters has no unit to be scaled with, and targets stay raw: a
   * step of no length leaves half of their size, 10, as the loss. Standardized ones have the mean
   * subtracted, which leaves their spread.
   */
  @Test
  void coupledDecayKeepsRawTargets() {
    double[] losses = new double[2];
    for (int i = 0; i < 2; i++) {
      Sgd rule = new Sgd(1e-9, 0, 0, false, 0.2 * i);
      Trainer trainer = Trainer.with(Optimizer.of(rule)).loss(new Quantile(0.5)).epochs(1);
      losses[i] = fit(trainer, 5, 1).loss();
    }
    assertEquals(5, losses[1], 0.5);
    assertTrue(losses[0] < 2.5, () -> "spread " + losses[0]);
  }

  @Test
  void scaledLosses() {
    for (Loss loss : List.of(new Huber(3), new Quantile(0.3))) {
      double[] z = {7};
      double[] scaled = {7 / 5.0};
      double expected = loss.differentiate(z, new double[] {-4}, new double[] {1}, 1);
      double value =
          loss.inUnits(5).differentiate(scaled, new double[] {-4 / 5.0}, new double[] {1}, 1);
      assertEquals(expected, Math.pow(5, loss.degree()) * value, 1e-14);
      assertEquals(z[0], Math.pow(5, loss.degree() - 1) * scaled[0], 1e-14);
    }
  }
}
