package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Datasets;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code path} prints, writes and refuses. */
class PathCommandTest {
  private static final String SAMPLE = "path sample:diabetes --target progression --dtype f64 ";

  @TempDir private Path folder;

  private Cli small(String options) {
    Path data = SmallData.write(folder);
    return Cli.run("path %s --target y --penalty l1 --folds 3 " + options, data);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--penalty l1",
        "--penalty l1 --ratio 0.1 --no-intercept",
        "--penalty elastic --share 0.3",
        "--penalty l2",
        "--penalty l2 --features bmi,bp,s5 --seed 3",
      })
  void printedCommandGivesTheSameModel(String options) throws IOException {
    JsonNode json = Cli.run((SAMPLE + "--json --quiet " + options).split(" ", -1)).json();
    String command = json.get("command").asText();
    assertTrue(command.startsWith("panagrad train sample:diabetes "), command);
    String[] words = (command + " --json --quiet").split(" ", -1);
    JsonNode trained =
        Cli.run(List.of(words).subList(1, words.length).toArray(String[]::new)).json();
    int chosen = json.get("chosenIndex").asInt();
    double[] expected = Cli.numbers(json.get("coefficients").get(chosen));
    double[] found = Cli.numbers(trained.at("/coefficients/0"));
    for (int j = 0; j < expected.length; j++) {
      // FISTA ends where the gradient is 1e-9 of the first one.
      assertEquals(expected[j], found[j], 1e-5 * (1e-2 + Math.abs(expected[j])), command);
    }
    double intercept = json.get("intercepts").get(chosen).asDouble();
    assertEquals(intercept, trained.at("/intercept/0").asDouble(), 1e-5 * Math.abs(intercept));
  }

  @Test
  void textHasTableChosenValueAndCoefficients() {
    Cli run = Cli.run((SAMPLE + "--penalty l1").split(" ", -1)).exits(Cli.DONE);
    Cli.assertContains(
        run.out(),
        "simd",
        "CV MSE",
        "<- least CV MSE",
        "<- within one standard error",
        "chosen value",
        "panagrad train sample:diabetes --target progression --dtype f64 --optimizer fista --l1 ",
        "coefficients of progression (raw units)",
        "bmi");
    assertEquals("", run.err());
    long lines =
        run.out().lines().filter(l -> l.matches(" +[0-9.e-]+ +[0-9.]+ +[0-9.]+ .*")).count();
    assertTrue(lines >= 20 && lines <= 22, run.out());
  }

  @Test
  void curveHasOneRowPerValue() throws IOException {
    Path curve = folder.resolve("curve.csv");
    small("--values 7 --quiet --curve " + curve).exits(Cli.DONE);
    List<String> lines = Files.readAllLines(curve);
    assertEquals(8, lines.size());
    assertEquals(
        "value,training_mse,cv_mse,cv_standard_error,nonzero,(intercept),a,b,c,z",
        lines.getFirst());
    assertEquals("0", lines.get(1).split(",", -1)[4]);
  }

  @Test
  void curveOverDataKeepsData() throws IOException {
    Path data = SmallData.write(folder);
    String before = Files.readString(data);
    Cli.assertContains(small("--curve " + data).failure(Cli.USAGE), "--curve", "data file");
    assertEquals(before, Files.readString(data));
    Cli.assertContains(small("--curve " + folder).failure(Cli.USAGE), "directory");
    Cli.assertContains(
        small("--curve " + folder.resolve("no/c.csv")).failure(Cli.USAGE), "no directory");
  }

  @ParameterizedTest
  @CsvSource({
    "--values 1, '[2, 1,000]'",
    "--values 1001, '[2, 1,000]'",
    "--values x, --values",
    "--folds 1, '[2, 100]'",
    "--folds 101, '[2, 100]'",
    "--folds -3, '[2, 100]'",
    "--ratio 0, '[1e-10, 1)'",
    "--ratio 1, '[1e-10, 1)'",
    "--ratio NaN, '[1e-10, 1)'",
    "--share 0.5, elastic net",
    "--penalty l3, l3",
    "--seed 1 --no-shuffle, --no-shuffle",
    "'--target y,z', one target",
  })
  void nonsenseIsAUsageError(String options, String found) {
    Path data = SmallData.write(folder);
    String required = options.contains("--penalty") ? "" : " --penalty l1";
    required += options.contains("--target") ? "" : " --target y";
    Cli.assertContains(
        Cli.run("path %s --quiet " + options + required, data).failure(Cli.USAGE), found);
  }

  @Test
  void penaltyAndTargetAreNeeded() {
    Path data = SmallData.write(folder);
    Cli.assertContains(Cli.run("path %s --target y", data).failure(Cli.USAGE), "--penalty");
    Cli.assertContains(Cli.run("path %s --penalty l1", data).failure(Cli.USAGE), "--target");
  }

  @Test
  void dataThatHaveNoPath() {
    Path data = SmallData.write(folder, "a,y\n1,2\n2,2\n3,2\n5,2\n");
    Cli.assertContains(
        Cli.run("path %s --target y --penalty l2 --folds 2 --quiet", data).failure(Cli.FAILED),
        "'y' is 2.0 in all rows");
    Cli.assertContains(
        Cli.run("path %s --target y --penalty l2 --folds 3 --quiet", data).failure(Cli.FAILED),
        "4 rows are too few for 3 folds",
        "number of folds is 2");
    Path few = SmallData.write(folder, "a,y\n1,2\n2,3\n3,2\n");
    Cli.assertContains(
        Cli.run("path %s --target y --penalty l2 --folds 2 --quiet", few).failure(Cli.FAILED),
        "give 4 rows or more");
    Path broken = SmallData.write(folder, "a,y\n1,2\n2,NaN\n3,2\n5,2\n");
    Cli.assertContains(
        Cli.run("path %s --target y --penalty l2 --folds 2 --quiet", broken).failure(Cli.FAILED),
        "NaN");
  }

  @Test
  void trainingFileIsRefused() {
    Path data = SmallData.write(folder);
    Path file = folder.resolve("rows.safetensors");
    Cli.run("convert %s " + file + " --target y", data).exits(Cli.DONE);
    Cli.assertContains(
        Cli.run("path %s --target y --penalty l1", file).failure(Cli.USAGE), "training file");
  }

  /** Means of the folds that a fold is not one of, through files, rows left out and encodings. */
  @Test
  void missingCellsAreFilledByTheOtherFolds() throws IOException {
    double[][] x = Datasets.normal(1, 41, 2);
    StringBuilder text = new StringBuilder("a,color,b,y\n");
    for (int i = 0; i < 41; i++) {
      String target = i == 7 ? "" : Double.toString(x[i][0] - 2 * x[i][1]); // left out
      String b = i % 5 == 0 ? "" : Double.toString(x[i][1]);
      text.append("%s,%s,%s,%s%n".formatted(x[i][0], i % 2 == 0 ? "red" : "blue", b, target));
    }
    Path file = Files.writeString(folder.resolve("holes.csv"), text);
    String options =
        " --target y --categorical color --missing mean --penalty l2 --values 2 --ratio 1e-9 --folds 4 --no-shuffle --json";
    Cli run = Cli.run(("path " + file + options).split(" ", -1)).exits(Cli.DONE);
    JsonNode found = new ObjectMapper().readTree(run.out());
    double sum = 0;
    for (int fold = 0; fold < 4; fold++) {
      sum += mse(x, fold) / 4;
    }
    assertEquals(sum, found.get("validationMse").get(1).asDouble(), 1e-6 * sum);
  }

  /** Of the plane through the rows of the other folds, with their mean of b: by QR of the rows. */
  private static double mse(double[][] x, int fold) {
    List<Integer> rows = IntStream.range(0, 41).filter(i -> i != 7).boxed().toList();
    double mean =
        IntStream.range(0, 40)
            .filter(r -> r % 4 != fold && rows.get(r) % 5 != 0)
            .mapToDouble(r -> x[rows.get(r)][1])
            .average()
            .orElseThrow();
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        TensorArena arena = TensorArena.open("rows")) {
      Tensor all = arena.allocate("x", DType.F64, 40, 3);
      Tensor y = arena.allocate("y", DType.F64, 40);
      Tensor index = arena.allocate("others", DType.I64, 30);
      int count = 0;
      for (int r = 0; r < 40; r++) {
        int i = rows.get(r);
        all.set(r, 0, x[i][0]);
        all.set(r, 1, i % 2);
        all.set(r, 2, i % 5 == 0 ? mean : x[i][1]);
        y.set(r, x[i][0] - 2 * x[i][1]);
        if (r % 4 != fold) {
          index.setLong(count++, r);
        }
      }
      ExactSolution plane = ExactSolution.solve(backend, all, y, index, 30, true, 0);
      double sum = 0;
      for (int r = fold; r < 40; r += 4) {
        double z = plane.intercept()[0] - y.get(r);
        for (int c = 0; c < 3; c++) {
          z += plane.coefficients()[0][c] * all.get(r, c);
        }
        sum += z * z / 10;
      }
      return sum;
    }
  }

  @Test
  void namesAreQuotedForAShell() throws IOException {
    Path data = SmallData.write(folder, "it's,y\n1,2\n2,3\n3,5\n5,6\n");
    JsonNode json =
        Cli.run(
                "path %s --target y --penalty l1 --folds 2 --json --quiet",
                data, "--features", "it's")
            .json();
    Cli.assertContains(json.get("command").asText(), "--features 'it'\\''s'");
    assertArrayEquals(new String[] {"it's"}, Cli.strings(json.get("features")).toArray());
  }
}
