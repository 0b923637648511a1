package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.Pairs;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Huber;
import dev.panagrad.optimizer.Averaging;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.ParameterGroup;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training that is interrupted and resumed ends in the same bits as one that was not. */
class ResumeTest {
  private static final int ROWS = 50;
  private static final int FEATURES = 7;
  private static final int EPOCHS = 4;

  private static final List<Schedule> SCHEDULES =
      List.of(Schedule.constant(), Schedule.cosine(30, 0.001), Schedule.exponential(0.97));

  /** Full batches, batches of which the last is short, in order, with rows held out, Gram. */
  private static final List<UnaryOperator<Trainer>> BATCHES =
      List.of(
          trainer -> trainer,
          trainer -> trainer.batchSize(8),
          trainer -> trainer.batchSize(8).inOrder(),
          trainer -> trainer.batchSize(8).validation(0.2).patience(2, 1e-9));

  @TempDir private Path folder;

  private static List<UpdateRule> rules() {
    return List.of(
        new GradientDescent(0.05),
        Sgd.of(0.05).withMomentum(0.9),
        Adam.of(0.05),
        Adam.adamW(0.05).withAmsgrad(),
        RmsProp.of(0.01).withCentering().withMomentum(0.9));
  }

  private static Trainer trainer(
      UpdateRule rule, Schedule schedule, UnaryOperator<Trainer> batches) {
    Optimizer.Builder optimizer =
        Optimizer.of(rule).schedule(schedule).penalty(Penalty.l2(0.001)).clipNorm(5);
    return batches.apply(Trainer.with(optimizer).epochs(EPOCHS).seed(3).standardizeInPlace());
  }

  private static TrainingResult fit(Trainer trainer, Backend backend, DType dtype) {
    try (TensorArena arena = TensorArena.open("resume")) {
      Dataset data = Datasets.plane(arena, dtype, 5, ROWS, FEATURES, 2, 0.5);
      return trainer.fit(data, backend);
    }
  }

  /** Everything but times, in raw bits. */
  private static List<Object> facts(TrainingResult result) {
    List<Object> facts = new ArrayList<>();
    for (double[] row : result.model().coefficients()) {
      for (double value : row) {
        facts.add(Double.doubleToRawLongBits(value));
      }
    }
    facts.add(Double.doubleToRawLongBits(result.mse()));
    facts.add(Double.doubleToRawLongBits(result.validationMse()));
    facts.add(result.stopReason());
    facts.add(result.steps());
    for (EpochRecord r : result.history()) {
      facts.add(List.of(r.epoch(), r.steps(), r.loss(), r.validationLoss(), r.learningRate()));
    }
    return facts;
  }

  /** Stops after that many batches, again and again, until it ends by itself. */
  private static TrainingResult interrupted(
      Supplier<Trainer> trainer,
      Checkpoints checkpoints,
      int batches,
      Backend backend,
      DType dtype) {
    while (true) {
      int[] left = {batches};
      TrainingResult result =
          fit(
              trainer.get().checkpoints(checkpoints).resume().stopWhen(() -> left[0]-- == 0),
              backend,
              dtype);
      assertNull(result.checkpointFailure());
      if (result.stopReason() != StopReason.REQUEST) {
        return result;
      }
    }
  }

  @Test
  void sameBits() throws IOException {
    List<Backend> backends = TestBackends.open(2);
    int run = 0;
    try {
      int[] sizes = {backends.size(), rules().size(), SCHEDULES.size(), BATCHES.size(), 2, 2};
      for (int[] chosen : Pairs.of(sizes)) {
        Backend backend = backends.get(chosen[0]);
        UpdateRule rule = rules().get(chosen[1]);
        Schedule schedule = SCHEDULES.get(chosen[2]);
        UnaryOperator<Trainer> batches = BATCHES.get(chosen[3]);
        DType dtype = chosen[4] == 0 ? DType.F32 : DType.F64;
        TrainingResult whole = fit(trainer(rule, schedule, batches), backend, dtype);
        Checkpoints checkpoints = Checkpoints.in(folder.resolve("run" + run++)).everySteps(2);
        if (chosen[5] == 0) {
          checkpoints.inBackground();
        }
        TrainingResult parts =
            interrupted(() -> trainer(rule, schedule, batches), checkpoints, 5, backend, dtype);
        assertEquals(
            facts(whole), facts(parts), () -> "%s, %s, %s".formatted(backend.name(), rule, dtype));
      }
    } finally {
      TestBackends.close(backends);
    }
    assertTrue(run >= 20, run + " runs");
  }

  /** Methods that look at all rows, from any iteration on, also from the last. */
  @Test
  void methods() {
    List<Backend> backends = TestBackends.open(2);
    int run = 0;
    for (Backend backend : backends) {
      for (Solver solver : List.of(new Fista(), new Lbfgs(3), new ConjugateGradient())) {
        for (int i = 0; i < 4; i++) {
          boolean isHuber = i == 2 && backend.usesHostMemory() && !solver.needsQuadratic();
          Penalty penalty = solver.acceptsL1() ? Penalty.l1(0.01) : Penalty.l2(0.01);
          int epochs = i == 3 ? 3 : 1000;
          int held = i % 2;
          Supplier<Trainer> trainer =
              () -> {
                Trainer t =
                    Trainer.with(solver, penalty)
                        .epochs(epochs)
                        .validation(held * 0.2)
                        .standardizeInPlace();
                return isHuber ? t.loss(new Huber(0.5)) : t;
              };
          DType dtype = i < 2 ? DType.F32 : DType.F64;
          Checkpoints checkpoints = Checkpoints.in(folder.resolve("method" + run++)).everySteps(2);
          if (i == 1) {
            checkpoints.inBackground();
          }
          TrainingResult whole = fit(trainer.get(), backend, dtype);
          TrainingResult parts = interrupted(trainer, checkpoints, 3, backend, dtype);
          String what = backend.name() + " " + solver + " " + dtype + " " + i;
          assertEquals(facts(whole), facts(parts), what);
          assertEquals(whole.passes(), parts.passes(), what);
          TrainingResult again =
              fit(trainer.get().checkpoints(checkpoints).resume(), backend, dtype);
          assertEquals(facts(whole), facts(again), what + ", after its end");
        }
      }
    }
    TestBackends.close(backends);
    assertTrue(run >= 24, run + " runs");
  }

  @Test
  void methodsAreNotExchanged() {
    Checkpoints checkpoints = Checkpoints.in(folder.resolve("methods"));
    try (Backend backend = Backends.open("scalar", new BackendOptions(1))) {
      Supplier<Trainer> trainer =
          () -> Trainer.with(new Lbfgs(3), Penalty.l2(0.01)).checkpoints(checkpoints).epochs(2);
      fit(trainer.get(), backend, DType.F64);
      Trainer other =
          Trainer.with(new Lbfgs(4), Penalty.l2(0.01)).checkpoints(checkpoints).epochs(2).resume();
      UncheckedIOException e =
          assertThrows(UncheckedIOException.class, () -> fit(other, backend, DType.F64));
      assertTrue(e.getMessage().contains("Lbfgs[memory=3]"), e.getMessage());
      assertTrue(e.getMessage().contains("Lbfgs[memory=4]"), e.getMessage());
    }
  }

  /** What is kept beside parameters and the rule's own state, and rules that are not fused. */
  @Test
  void whateverElseIsKept() {
    List<UnaryOperator<Trainer>> batches =
        List.of(
            trainer -> trainer.batchSize(8).varianceReduced(),
            trainer -> trainer.batchSize(4).accumulate(3).validation(0.2).reduceRate(0.5, 1, 0.2));
    List<UnaryOperator<Optimizer.Builder>> options =
        List.of(
            o -> o.average(Averaging.ema(0.9)),
            o ->
                o.average(Averaging.polyakRuppert(4))
                    .group(ParameterGroup.of("weights").rateFactor(0.5).weightDecay(0.1)));
    List<Backend> backends = TestBackends.open(2);
    int run = 0;
    for (Backend backend : backends) {
      for (UpdateRule rule :
          List.of(Sgd.of(0.05).withMomentum(0.9), NAdam.of(0.02), Lion.of(0.01), Adagrad.of(0.1))) {
        if (!backend.usesHostMemory() && !(rule instanceof Sgd)) {
          continue;
        }
        for (UnaryOperator<Trainer> batch : rule instanceof Sgd ? batches : batches.subList(1, 2)) {
          for (UnaryOperator<Optimizer.Builder> option : options) {
            Supplier<Trainer> trainer =
                () ->
                    batch.apply(
                        Trainer.with(option.apply(Optimizer.of(rule).penalty(Penalty.l2(0.001))))
                            .epochs(EPOCHS)
                            .standardizeInPlace());
            Path place = folder.resolve("more" + run++);
            assertEquals(
                facts(fit(trainer.get(), backend, DType.F32)),
                facts(
                    interrupted(
                        trainer, Checkpoints.in(place).everySteps(2), 3, backend, DType.F32)),
                () -> backend.name() + " " + rule + " " + place);
          }
        }
      }
    }
    TestBackends.close(backends);
    assertTrue(run >= 10, run + " runs");
  }

  @Test
  void gramAndSkippedSteps() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1))) {
      Supplier<Trainer> gram =
          () -> trainer(Adam.of(0.1), SCHEDULES.get(1), Trainer::gram).epochs(9);
      TrainingResult whole = fit(gram.get(), backend, DType.F64);
      TrainingResult parts =
          interrupted(gram, Checkpoints.in(folder.resolve("gram")), 4, backend, DType.F64);
      assertEquals(facts(whole), facts(parts));
      Supplier<Trainer> skipping =
          () ->
              Trainer.with(Optimizer.of(Sgd.of(0.1)).nonFinite(NonFinitePolicy.SKIP))
                  .epochs(3)
                  .batchSize(7);
      assertEquals(
          facts(fit(skipping.get(), backend, DType.F32)),
          facts(
              interrupted(
                  skipping, Checkpoints.in(folder.resolve("skip")), 3, backend, DType.F32)));
    }
  }

  private Trainer saved(int epochs) {
    return trainer(Adam.of(0.05), SCHEDULES.get(0), BATCHES.get(1))
        .epochs(epochs)
        .checkpoints(Checkpoints.in(folder.resolve("saved")).everySteps(3).keep(4));
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("saved"))) {
      return files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList();
    }
  }

  @Test
  void keepsTheNewest() throws IOException {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1))) {
      fit(saved(4), backend, DType.F64);
      List<String> names =
          files().stream().map(f -> f.getFileName().toString().replaceAll("\\D", "")).toList();
      assertEquals(List.of(21L, 24L, 27L, 28L), names.stream().map(Long::valueOf).toList());
      // More epochs than were asked for before.
      TrainingResult more = fit(saved(6).resume(), backend, DType.F64);
      assertEquals(6, more.epochs());
      assertEquals(
          facts(
              fit(
                  trainer(Adam.of(0.05), SCHEDULES.get(0), BATCHES.get(1)).epochs(6),
                  backend,
                  DType.F64)),
          facts(more));
    }
  }

  @Test
  void refusesToMix() {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1))) {
      fit(saved(1), backend, DType.F64);
      Exception e =
          assertThrows(IllegalArgumentException.class, () -> fit(saved(1), backend, DType.F64));
      assertTrue(e.getMessage().contains("resume it, or name another folder"), e.getMessage());
    }
  }

  @Test
  void saysWhatDiffers() {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1))) {
      fit(saved(1), backend, DType.F64);
      Checkpoints same = Checkpoints.in(folder.resolve("saved"));
      List<Trainer> others =
          List.of(
              saved(1).seed(4),
              saved(1).batchSize(9),
              saved(1).withoutIntercept(),
              saved(1).validation(0.5),
              trainer(Adam.of(0.06), SCHEDULES.get(0), BATCHES.get(1)),
              trainer(Adam.of(0.05), SCHEDULES.get(1), BATCHES.get(1)),
              trainer(Adam.adamW(0.05), SCHEDULES.get(0), BATCHES.get(1)),
              Trainer.with(Optimizer.of(Adam.of(0.05)).clipValue(1)).batchSize(8).seed(3),
              saved(1).accumulate(2),
              saved(1).reduceRate(0.5, 3, 0),
              saved(1).loss(new Huber(1)));
      List<String> fields =
          List.of(
              "seed",
              "batch size",
              "intercept",
              "rows",
              "learning rate",
              "schedule",
              "rule",
              "standardization",
              "batches per step",
              "rate reduction",
              "loss");
      for (int i = 0; i < fields.size(); i++) {
        Trainer other = others.get(i).checkpoints(same).resume();
        Exception e =
            assertThrows(UncheckedIOException.class, () -> fit(other, backend, DType.F64));
        assertTrue(e.getMessage().contains("its " + fields.get(i)), e.getMessage());
      }
      Exception e =
          assertThrows(
              UncheckedIOException.class, () -> fit(saved(1).resume(), backend, DType.F32));
      assertTrue(e.getMessage().contains("standardization"), e.getMessage());
    }
  }

  @Test
  void damagedOnesArePassedOver() throws IOException {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1))) {
      TrainingResult whole = fit(saved(4), backend, DType.F64);
      List<Path> files = files();
      flip(files.get(3));
      flip(files.get(2));
      assertEquals(facts(whole), facts(fit(saved(4).resume(), backend, DType.F64)));
      for (Path file : files()) {
        flip(file);
      }
      Exception e =
          assertThrows(
              UncheckedIOException.class, () -> fit(saved(4).resume(), backend, DType.F64));
      assertTrue(e.getMessage().contains("every checkpoint in"), e.getMessage());
    }
  }

  private static void flip(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 5] ^= 4;
    Files.write(file, bytes);
  }

  @Test
  void oneTrainingAtATime() throws IOException {
    Path busy = Files.createDirectory(folder.resolve("busy"));
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        FileChannel channel =
            FileChannel.open(
                busy.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var lock = channel.lock()) {
      assertTrue(lock.isValid());
      Trainer other =
          trainer(Adam.of(0.05), SCHEDULES.get(0), BATCHES.get(0))
              .checkpoints(Checkpoints.in(busy));
      Exception e = assertThrows(UncheckedIOException.class, () -> fit(other, backend, DType.F64));
      assertTrue(e.getMessage().contains("another training"), e.getMessage());
    }
  }

  /** The folder is taken away while a training runs: it goes on, and says so at its end. */
  @Test
  void aCheckpointThatCannotBeWritten() throws IOException {
    Path gone = folder.resolve("gone");
    try (Backend backend = Backends.open("scalar", new BackendOptions(1))) {
      Trainer trainer =
          trainer(Adam.of(0.05), SCHEDULES.get(0), BATCHES.get(0))
              .checkpoints(Checkpoints.in(gone).everySteps(1))
              .listener(
                  _ -> {
                    remove(gone);
                    return true;
                  });
      TrainingResult result = fit(trainer, backend, DType.F64);
      assertEquals(StopReason.EPOCHS, result.stopReason());
      assertTrue(result.checkpointFailure().contains("gone"), result.checkpointFailure());
      assertNotEquals(0, result.steps());
    }
  }

  private static void remove(Path directory) {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
