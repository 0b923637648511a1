package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code compare}: four optimizers and the exact solution, the same data and seed, one table. */
class CompareCommandTest {
  private static final List<String> OPTIMIZERS = List.of("gd", "sgd", "adam", "rmsprop", "exact");

  private static final int STEPPING = 4; // of them

  @TempDir private Path folder;
  private Path data;

  @BeforeEach
  void writeData() {
    data = SmallData.write(folder);
  }

  private static List<String> rows(Cli run) {
    return table(run).filter(l -> OPTIMIZERS.contains(l.split(" ", -1)[0])).toList();
  }

  /** The lines before those of coefficients. */
  private static Stream<String> table(Cli run) {
    return run.out().lines().takeWhile(l -> !l.startsWith("coefficients of"));
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
        " --learning-rate auto",
        " --l2 0.01",
        " --reduce-rate 0.5,2",
        " --average ema:0.9",
        " --accumulate 2 --batch-size 4",
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

  /** It is a method without a corner, and would be the answer to another question. */
  @Test
  void withL1ThereIsNoExactRow() {
    Cli run =
        Cli.run("compare %s --target y,z --epochs 3 --l1 0.01 --l2 0.01", data).exits(Cli.DONE);
    assertEquals(OPTIMIZERS.subList(0, STEPPING), names(run));
    assertEquals("", run.err());
  }

  /** y is a combination of the features: R2 is 1, and nothing is lost but roundings. */
  @Test
  void exactRow() {
    Cli run =
        Cli.run("compare %s --target y --features a,b,c --epochs 3 --dtype f64", data)
            .exits(Cli.DONE);
    String[] cells = rows(run).getLast().split(" +", -1);
    assertEquals("exact", cells[0]);
    assertEquals("1", cells[1], "epochs");
    assertEquals("1", cells[2], "steps");
    assertEquals(0, Double.parseDouble(cells[3]), 1e-20);
    assertEquals(0, Double.parseDouble(cells[4]), 1e-20, "of the variance");
    assertTrue(rows(run).getLast().contains(" of the variance "), run::out);
    assertTrue(rows(run).getLast().contains(" 1.00000 "), run::out);
  }

  /** A table for each target, a column for each method, a row for each feature. */
  @Test
  void coefficients() {
    Cli run = Cli.run("compare %s --target y,z --epochs 3 --dtype f64", data).exits(Cli.DONE);
    List<String> lines = run.out().lines().toList();
    double[][] planes = {{1, 2, -3, 0.5}, {7, -1, 4, 0}};
    for (int j = 0; j < 2; j++) {
      String target = List.of("y", "z").get(j);
      int header =
          lines.indexOf(
              lines.stream()
                  .filter(l -> l.startsWith("coefficients of " + target))
                  .findFirst()
                  .orElseThrow());
      List<String> words = List.of(lines.get(header).strip().split(" +", -1));
      assertEquals(OPTIMIZERS, words.subList(3, words.size()));
      List<String> names = List.of("(intercept)", "a", "b", "c");
      for (int row = 0; row < names.size(); row++) {
        List<String> cells = List.of(lines.get(header + 1 + row).strip().split(" +", -1));
        assertEquals(names.get(row), cells.getFirst());
        assertEquals(1 + OPTIMIZERS.size(), cells.size());
        assertEquals(planes[j][row], Double.parseDouble(cells.getLast()), 1e-12);
      }
    }
  }

  /** With rows held out the exact loss is none of the rows that were trained on. */
  @Test
  void noGapWhereRowsAreHeldOut() {
    Cli run = Cli.run("compare %s --target y --epochs 3 --validation 0.25", data).exits(Cli.DONE);
    for (String row : rows(run)) {
      assertEquals("-", row.split(" +", -1)[4], row);
    }
    assertFalse(run.out().contains("NaN"), run::out);
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
    for (String row : rows(run).subList(0, STEPPING)) {
      assertEquals("100", row.split(" +", -1)[1], row);
    }
    assertEquals("100", rows(run).getFirst().split(" +", -1)[2], "gd takes full batches");
    assertEquals("1,400", rows(run).get(1).split(" +", -1)[2], "442 rows are 14 batches of 32");
    assertEquals("1", rows(run).getLast().split(" +", -1)[2], "exact is one step");
  }

  /** The row of an optimizer is what {@code train} gets for it. */
  @ParameterizedTest
  @ValueSource(strings = {"gd", "sgd", "adam", "rmsprop", "exact"})
  void sameAsTrain(String optimizer) throws IOException {
    String options = " --target y --features a,c --epochs 6 --seed 5 --dtype f64";
    Cli compared = Cli.run("compare %s" + options, data).exits(Cli.DONE);
    // A direct solution has none.
    String own = optimizer.equals("exact") ? options.replace(" --epochs 6", "") : options;
    double mse =
        Cli.train(data, own.strip() + " --json --optimizer " + optimizer)
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
