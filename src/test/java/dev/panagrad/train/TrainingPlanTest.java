package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.ParameterGroup;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a training was told is judged before anything changes, and does not change any more. */
class TrainingPlanTest {
  @TempDir private Path folder;
  private Backend backend;
  private TensorArena arena;

  @BeforeEach
  void open() {
    backend = Backends.open("scalar", new BackendOptions(1));
    arena = TensorArena.open("plan");
  }

  @AfterEach
  void close() {
    arena.close();
    backend.close();
  }

  private Dataset data() {
    return Datasets.plane(arena, DType.F64, 1, 30, 3, 1, 0.5);
  }

  private static Trainer adam() {
    return Trainer.with(Optimizer.of(Adam.of(0.05))).epochs(3);
  }

  /** A listener, or another service with the same trainer, does not reach it. */
  @Test
  void aTrainingDoesNotReadItsTrainer() {
    Optimizer.Builder optimizer = Optimizer.of(Adam.of(0.05));
    Trainer trainer = Trainer.with(optimizer).epochs(3).batchSize(8);
    trainer.listener(
        record -> {
          trainer.epochs(7).batchSize(9).gradientTolerance(1e9).stopWhen(() -> true);
          optimizer.clipNorm(1e-9);
          return true;
        });
    TrainingResult result = trainer.fit(data(), backend);
    assertEquals(3, result.epochs());
    assertEquals(12, result.steps());
    TrainingResult plain = adam().batchSize(8).fit(data(), backend);
    assertArrayEquals(plain.model().coefficients()[0], result.model().coefficients()[0]);
  }

  @Test
  void aProblemNamesItsOptionsAsItsReaderDoes() {
    Trainer trainer = adam().gram().batchSize(9);
    PlanException e = assertThrows(PlanException.class, () -> trainer.fit(data(), backend));
    assertEquals(Option.BATCH_SIZE, e.option());
    assertTrue(e.isConflict());
    assertTrue(e.getMessage().startsWith("Trainer.batchSize: "), e.getMessage());
    assertTrue(e.getMessage().endsWith("or leave out Trainer.gram"), e.getMessage());
    String other = e.message(option -> "<" + option.name() + ">");
    assertTrue(other.startsWith("<BATCH_SIZE>: "), other);
    assertTrue(other.endsWith("or leave out <GRAM>"), other);
    PlanException misfit =
        assertThrows(PlanException.class, () -> adam().batchSize(31).fit(data(), backend));
    assertFalse(misfit.isConflict());
  }

  @Test
  void optionsThatComeWithTheData() {
    TrainingPlan plan = adam().gram().plan();
    plan.requireConsistent(Option.WEIGHTS);
    PlanException e =
        assertThrows(PlanException.class, () -> plan.requireConsistent(Option.OFFSET));
    assertEquals(Option.GRAM, e.option());
  }

  /** Methods and rates that look at all rows name the value; the data stay as they are. */
  @Test
  void valuesThatAreNotFinite() {
    List<Supplier<Trainer>> trainers =
        List.of(
            () -> Trainer.with(new Lbfgs(), Penalty.none()),
            () -> Trainer.with(new Fista(), Penalty.l1(0.1)),
            () -> Trainer.with(Optimizer.of(new GradientDescent(0.1))).automaticRate(),
            () -> Trainer.with(Optimizer.of(Sgd.of(0.1))).batchSize(8).automaticRate());
    for (double value : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
      for (Supplier<Trainer> trainer : trainers) {
        Dataset data = data();
        data.x().set(4, 1, value);
        double[][] before = Datasets.rows(data.x());
        for (Trainer each : List.of(trainer.get(), trainer.get().standardizeInPlace())) {
          String message =
              assertThrows(IllegalArgumentException.class, () -> each.fit(data, backend))
                  .getMessage();
          assertTrue(message.startsWith("row 5 of feature 'x2' is " + value), message);
          assertArrayEquals(before, Datasets.rows(data.x()));
        }
      }
    }
  }

  /** Whatever half of a checkpoint is at fault, it is seen before the data are standardized. */
  @Test
  void aRefusedCheckpointChangesNothing() throws IOException {
    Supplier<Trainer> trainer =
        () ->
            adam()
                .batchSize(8)
                .standardizeInPlace()
                .checkpoints(Checkpoints.in(folder.resolve("saved")));
    trainer.get().fit(data(), backend);
    unchanged(trainer.get().seed(2).resume(), "its seed");
    Trainer clipped =
        Trainer.with(Optimizer.of(Adam.of(0.05)).penalty(Penalty.l2(1)))
            .batchSize(8)
            .standardizeInPlace()
            .checkpoints(Checkpoints.in(folder.resolve("saved")));
    unchanged(clipped.resume(), "its penalty");
    byte[] good = Files.readAllBytes(file());
    for (int at = good.length - 5; at > good.length - 600; at -= 99) {
      byte[] bad = good.clone();
      bad[at] ^= 4;
      Files.write(file(), bad);
      unchanged(trainer.get().resume(), "damaged");
    }
    Files.write(file(), good);
    assertEquals(3, trainer.get().resume().fit(data(), backend).epochs());
  }

  @Test
  void aRefusedCheckpointOfAMethodChangesNothing() throws IOException {
    Supplier<Trainer> trainer =
        () ->
            Trainer.with(new Lbfgs(), Penalty.l2(0.1))
                .epochs(2)
                .standardizeInPlace()
                .checkpoints(Checkpoints.in(folder.resolve("saved")));
    trainer.get().fit(data(), backend);
    byte[] good = Files.readAllBytes(file());
    // Parameters, records and what the method remembers, all of which follow the header.
    int header = Math.toIntExact(ByteBuffer.wrap(good).order(ByteOrder.LITTLE_ENDIAN).getLong(0));
    for (int at = 8 + header; at < good.length; at += 24) {
      byte[] bad = good.clone();
      bad[at] ^= 4;
      Files.write(file(), bad);
      unchanged(trainer.get().resume(), "damaged");
    }
    for (int at = good.length - 5; at > good.length - 600; at -= 99) {
      byte[] bad = good.clone();
      bad[at] ^= 4;
      Files.write(file(), bad);
      unchanged(trainer.get().resume(), "damaged");
    }
    unchanged(
        adam().standardizeInPlace().checkpoints(Checkpoints.in(folder.resolve("saved"))).resume(),
        "damaged");
  }

  private Path file() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("saved"))) {
      return files.filter(f -> f.toString().endsWith(".safetensors")).findFirst().orElseThrow();
    }
  }

  private void unchanged(Trainer trainer, String fault) {
    Dataset data = data();
    double[][] x = Datasets.rows(data.x());
    double[][] y = Datasets.rows(data.y());
    String message =
        assertThrows(UncheckedIOException.class, () -> trainer.fit(data, backend)).getMessage();
    assertTrue(message.contains(fault), message);
    assertArrayEquals(x, Datasets.rows(data.x()));
    assertArrayEquals(y, Datasets.rows(data.y()));
  }

  /** The rate that was chosen is kept, and not chosen again. */
  @Test
  void anAutomaticRateIsResumed() {
    Supplier<Trainer> trainer =
        () ->
            Trainer.with(Optimizer.of(Adam.of(1)))
                .batchSize(8)
                .automaticRate()
                .epochs(4)
                .standardizeInPlace();
    TrainingResult whole = trainer.get().fit(data(), backend);
    Checkpoints checkpoints = Checkpoints.in(folder.resolve("rate"));
    TrainingResult parts;
    do {
      int[] left = {5};
      parts =
          trainer
              .get()
              .checkpoints(checkpoints)
              .resume()
              .stopWhen(() -> left[0]-- == 0)
              .fit(data(), backend);
    } while (parts.stopReason() == StopReason.REQUEST);
    assertEquals(whole.learningRate(), parts.learningRate(), 0.0);
    assertArrayEquals(whole.model().coefficients()[0], parts.model().coefficients()[0]);
    Trainer longer = trainer.get().epochs(5).checkpoints(checkpoints).resume();
    String message =
        assertThrows(UncheckedIOException.class, () -> longer.fit(data(), backend)).getMessage();
    assertTrue(message.contains("automatic for 4 epochs"), message);
  }

  /** Groups, state and penalties are judged before the data change, whatever the rate. */
  @Test
  void anOptimizerThatCannotBeIsRefusedFirst() {
    for (boolean isAutomatic : new boolean[] {false, true}) {
      Trainer trainer =
          Trainer.with(Optimizer.of(Sgd.of(0.1)).group(ParameterGroup.of("p0")))
              .standardizeInPlace();
      Trainer asked = isAutomatic ? trainer.automaticRate() : trainer;
      Dataset data = data();
      double[][] before = Datasets.rows(data.x());
      String message =
          assertThrows(IllegalArgumentException.class, () -> asked.fit(data, backend)).getMessage();
      assertTrue(message.contains("matches none of the parameters"), message);
      assertArrayEquals(before, Datasets.rows(data.x()));
    }
  }

  /** What a schedule does wrong is not taken for a fault of the data. */
  @Test
  void aRateThatIsNoneIsADivergence() {
    Trainer trainer =
        Trainer.with(Optimizer.of(Sgd.of(0.1)).schedule((step, r) -> step < 6 ? r : Double.NaN))
            .batchSize(8)
            .automaticRate();
    DivergenceException e =
        assertThrows(DivergenceException.class, () -> trainer.fit(data(), backend));
    assertTrue(e.getMessage().startsWith("the schedule gives"), e.getMessage());
    assertEquals(7, e.step());
  }

  /** The epoch of an interruption began in another process, which has its parameters. */
  @Test
  void theBestBeforeADivergenceIsNeverMadeUp() {
    Checkpoints checkpoints = Checkpoints.in(folder.resolve("diverging"));
    Supplier<Trainer> trainer =
        () ->
            Trainer.with(Optimizer.of(Sgd.of(0.1)).schedule((step, r) -> step < 6 ? r : 1e200))
                .batchSize(8)
                .epochs(9)
                .checkpoints(checkpoints)
                .resume();
    int[] left = {2};
    trainer.get().stopWhen(() -> left[0]-- == 0).fit(data(), backend);
    DivergenceException e =
        assertThrows(DivergenceException.class, () -> trainer.get().fit(data(), backend));
    assertTrue(e.best().isEmpty() || e.best().get().coefficient(0, 0) != 0, e.getMessage());
  }
}
