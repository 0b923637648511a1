package dev.panagrad.tune;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a tuner says of a small problem, and what it refuses. */
class TunerTest {
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

  /** The same program as the trial, by hand, on other copies of the rows. */
  @Test
  void suggestionEndsWhereItWasSeenToEnd() {
    Dataset data = Datasets.plane(arena, DType.F32, 2, 90, 4, 2, 1);
    double[] before = data.x().toArray();
    Tuning tuning = Tuner.of(Sgd.of(1e-3)).epochs(9).seed(3).tune(data, backend);
    assertArrayEquals(before, data.x().toArray());
    Trial suggested = tuning.suggested();
    assertTrue(suggested.loss() < tuning.byDefault().loss(), tuning::toString);
    Candidate c = suggested.candidate();
    long steps = 9 * Math.ceilDiv(90, c.batch());
    Trainer trainer =
        Trainer.with(c.optimizer(Sgd.of(1e-3), steps)).epochs(9).seed(3).standardizeInPlace();
    double mse = trainer.batchSize(c.batch()).fit(data, backend).mse();
    assertEquals(mse, suggested.loss());
    assertEquals(steps, suggested.steps());
  }

  @Test
  void repeatable() {
    Dataset data = Datasets.plane(arena, DType.F32, 2, 70, 4, 1, 1);
    Tuner tuner = Tuner.of(Adam.of(0.01)).epochs(5).seed(1);
    assertEquals(tuner.tune(data, backend), tuner.tune(data, backend));
  }

  @Test
  void candidates() {
    Dataset data = Datasets.plane(arena, DType.F64, 2, 70, 4, 1, 1);
    Tuning tuning = Tuner.of(Adam.of(0.01)).epochs(6).tune(data, backend);
    Candidate first = tuning.byDefault().candidate();
    assertEquals(new Candidate(0.01, "default", 32, false), first);
    assertEquals(2, tuning.shortEpochs());
    List<Trial> finalists = tuning.trials().stream().filter(Trial::isFinalist).toList();
    assertTrue(finalists.contains(tuning.byDefault()));
    assertTrue(finalists.size() >= 3 && finalists.size() <= 4, tuning::toString);
    double best = finalists.stream().mapToDouble(Trial::loss).min().orElseThrow();
    assertTrue(tuning.suggested().loss() <= best * (1 + 1e-4));
    long distinct =
        tuning.trials().stream()
            .map(t -> List.of(t.candidate().rate(), t.candidate().batch(), t.candidate().decays()))
            .distinct()
            .count();
    assertEquals(tuning.trials().size(), distinct);
    assertTrue(
        tuning.noiseLater().rows() > tuning.noiseAtStart().rows(), "it grows during training");
  }

  @Test
  void descentTakesAllRows() {
    Dataset data = Datasets.plane(arena, DType.F64, 2, 70, 4, 1, 1);
    Tuning tuning = Tuner.of(new GradientDescent(0.1)).epochs(6).tune(data, backend);
    assertTrue(tuning.trials().stream().allMatch(t -> t.candidate().batch() == 70));
    assertEquals("constant", tuning.byDefault().candidate().schedule(6));
  }

  /** With one epoch, short and full trainings are the same. */
  @Test
  void oneEpoch() {
    Dataset data = Datasets.plane(arena, DType.F64, 2, 8, 1, 1, 1);
    Tuning tuning = Tuner.of(Adam.of(0.01)).epochs(1).tune(data, backend);
    assertEquals(tuning.suggested().shortLoss(), tuning.suggested().loss());
  }

  @Test
  void aTuningHasTrials() {
    Exception e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new Tuning(1, 1, List.of(), null, null, 0.1, null, null, 1, null));
    assertEquals(
        "trials, of which the default's is the first, must be at least 1, found 0", e.getMessage());
  }

  /** A default that diverges is no reason not to suggest. */
  @Test
  void defaultDiverges() {
    Dataset data = Datasets.plane(arena, DType.F32, 2, 70, 4, 1, 1);
    Tuning tuning = Tuner.of(new GradientDescent(1e6)).epochs(40).tune(data, backend);
    assertEquals(Double.POSITIVE_INFINITY, tuning.byDefault().loss());
    assertTrue(tuning.suggested().loss() < 2, tuning::toString);
  }

  @Test
  void tooFewRows() {
    Dataset data = Datasets.plane(arena, DType.F64, 2, 7, 1, 1, 1);
    assertEquals("tuning needs at least 8 rows to tell signal from noise, found 7", failure(data));
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.NEGATIVE_INFINITY})
  void valueThatIsNotFinite(double value) {
    Dataset data = Datasets.plane(arena, DType.F32, 2, 20, 2, 2, 1);
    data.y().set(4, 1, value);
    assertTrue(failure(data).startsWith("row 5 of target 'y2' is " + value), failure(data));
    data.x().set(19, 0, value);
    assertTrue(failure(data).startsWith("row 20 of feature 'x1' is " + value), failure(data));
  }

  @Test
  void constantTarget() {
    Dataset data = Datasets.plane(arena, DType.F64, 2, 20, 2, 2, 1);
    for (int i = 0; i < 20; i++) {
      data.y().set(i, 1, 2.5);
    }
    assertTrue(failure(data).startsWith("target 'y2' is 2.5 in all 20 rows"), failure(data));
  }

  private String failure(Dataset data) {
    return assertThrows(
            DataException.class, () -> Tuner.of(Adam.of(0.01)).epochs(2).tune(data, backend))
        .getMessage();
  }

  @Test
  void optionsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Tuner.of(Adam.of(1)).epochs(0));
    assertThrows(IllegalArgumentException.class, () -> Tuner.of(Adam.of(1)).batchSize(0));
    assertThrows(NullPointerException.class, () -> Tuner.of(null));
  }
}
