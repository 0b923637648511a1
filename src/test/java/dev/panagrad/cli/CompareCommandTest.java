package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code compare}: four optimizers, the same data and seed, one table. */
class CompareCommandTest {
  private static final List<String> OPTIMIZERS = List.of("gd", "sgd", "adam", "rmsprop");

  @TempDir private Path folder;
  private Path data;

  @BeforeEach
  void writeData() {
    data = SmallData.write(folder);
  }

  private static List<String> rows(Cli run) {
    return run.out().lines().filter(l -> OPTIMIZERS.contains(l.split(" ", -1)[0])).toList();
  }

  private static List<String> names(Cli run) {
    return rows(run).stream().map(l -> l.split(" ", -1)[0]).toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " --momentum 0.9",
        " --momentum 0.9 --nesterov",
        " --beta1 0.8",
        " --alpha 0.9",
        " --centered",
        " --amsgrad",
        " --weight-decay 0.01",
        " --batch-size 4",
        " --batch-size full",
        " --gram",
        " --gram --batch-size full",
        " --schedule cosine:2e",
        " --learning-rate 0.05",
        " --l1 0.01 --l2 0.01",
        " --clip-norm 1 --clip-value 1",
        " --validation 0.25",
        " --no-intercept --no-standardize --learning-rate 0.001",
        " --dtype f64 --backend scalar",
        " --features a",
        " --tolerance 0.1 --patience 2",
        " --threads 2 --seed 7",
      })
  void oneRowForEachOptimizer(String options) {
    Cli run = Cli.run("compare %s --target y,z --epochs 3" + options, data).exits(Cli.DONE);
    assertEquals(OPTIMIZERS, names(run));
    assertEquals("", run.err());
  }

  /** Refused before the first row, although gd would leave the batch size out. */
  @Test
  void gramWithSmallBatches() {
    Cli run = Cli.run("compare %s --target y --gram --batch-size 4", data);
    Cli.assertContains(run.failure(Cli.USAGE), "--gram", "--batch-size 4", "full");
    assertEquals("", run.out());
  }

  @Test
  void sample() {
    Cli run = Cli.run("compare", "sample:diabetes", "--target", "progression").exits(Cli.DONE);
    assertEquals(OPTIMIZERS, names(run));
    for (String row : rows(run)) {
      assertEquals("100", row.split(" +", -1)[1], row);
    }
    assertEquals("100", rows(run).getFirst().split(" +", -1)[2], "gd takes full batches");
    assertEquals("1,400", rows(run).get(1).split(" +", -1)[2], "442 rows are 14 batches of 32");
  }

  /** The row of an optimizer is what {@code train} gets for it. */
  @ParameterizedTest
  @ValueSource(strings = {"gd", "sgd", "adam", "rmsprop"})
  void sameAsTrain(String optimizer) throws IOException {
    String options = " --target y --features a,c --epochs 6 --seed 5 --dtype f64";
    Cli compared = Cli.run("compare %s" + options, data).exits(Cli.DONE);
    double mse =
        Cli.train(data, options.strip() + " --json --optimizer " + optimizer)
            .json()
            .get("mse")
            .asDouble();
    String row = rows(compared).get(OPTIMIZERS.indexOf(optimizer));
    assertEquals(mse, Double.parseDouble(row.split(" +", -1)[3]), 1e-7 * mse);
  }

  @Test
  void sameSeedSameTable() {
    String line = "compare %s --target y --features a,c --epochs 6 --batch-size 4 --seed ";
    assertEquals(losses(line + 1), losses(line + 1));
    assertFalse(losses(line + 1).equals(losses(line + 2)));
  }

  private List<String> losses(String line) {
    return rows(Cli.run(line, data).exits(Cli.DONE)).stream()
        .map(r -> r.split(" +", -1)[3])
        .toList();
  }

  @Test
  void divergenceIsFailure() {
    Cli run =
        Cli.run("compare %s --target y --epochs 20 --learning-rate 1e30", data).exits(Cli.FAILED);
    Cli.assertContains(run.out() + run.err(), "step ", "learning rate", "try ");
    assertFalse(run.err().contains("\tat "), run.err());
  }

  @Test
  void divergenceIsOnStandardError() {
    Cli run =
        Cli.run("compare %s --target y --epochs 20 --learning-rate 1e30", data).exits(Cli.FAILED);
    assertTrue(run.err().startsWith("panagrad: "), run::toString);
  }

  /** A ratio to an exact loss of zero is not a number to show. */
  @ParameterizedTest
  @ValueSource(strings = {"a,y\n1,7\n2,7\n3,7\n", "a,b,c,y\n1,2,3,4\n2,1,5,7\n"})
  void gapToZeroIsNotShown(String text) {
    SmallData.write(folder, text);
    Cli run = Cli.run("compare %s --target y --epochs 2", data).exits(Cli.DONE);
    assertFalse(run.out().contains("NaN%"), run::out);
    assertFalse(run.out().contains("Infinity%"), run::out);
  }

  @Test
  void unknownTarget() {
    String line = Cli.run("compare %s --target x", data).failure(Cli.FAILED);
    Cli.assertContains(line, "'x'", "did you mean");
  }

  @Test
  void missingFile() {
    String line = Cli.run("compare %s --target x", folder.resolve("none.csv")).failure(Cli.FAILED);
    Cli.assertContains(line, "none.csv", "no such file");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--epochs 0", "--beta1 1", "--learning-rate -1", "--schedule no:1"})
  void senselessValueIsUsageError(String option) {
    Cli.run("compare %s --target y " + option, data).failure(Cli.USAGE);
  }

  /** No table of three optimizers before the fourth is refused. */
  @Test
  void senselessValueIsFoundBeforeTraining() {
    Cli run = Cli.run("compare %s --target y --alpha 1.5", data);
    assertTrue(run.status() != Cli.DONE);
    assertEquals(List.of(), rows(run));
  }
}
