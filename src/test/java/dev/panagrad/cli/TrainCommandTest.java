package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code train} prints and writes. */
@Tag("first")
class TrainCommandTest {
  private static final Path SAMPLE = Path.of("sample:diabetes");

  /** Enough for the small data to be fitted to rounding. */
  private static final String EXACT =
      "--json --quiet --dtype f64 --optimizer gd --learning-rate 0.4 --epochs 2000";

  private static final double ROUNDING = 1e-9;

  @TempDir private Path folder;
  private Path data;

  @BeforeEach
  void writeData() {
    data = SmallData.write(folder);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " --quiet", " --validation 0.25", " --no-intercept"})
  void jsonHasItsFields(String option) throws IOException {
    JsonNode json =
        Cli.train(data, "--target y --json --optimizer adam --epochs 3" + option).json();
    for (String text : List.of("backend", "optimizer")) {
      assertTrue(json.path(text).isTextual(), text);
    }
    for (String number : List.of("mse", "r2", "seconds")) {
      assertTrue(json.path(number).isNumber(), number);
    }
    assertTrue(json.has("exactMse"));
    assertEquals("adam", json.get("optimizer").asText());
    assertEquals(3, json.get("epochs").asLong());
    assertEquals(3, json.get("steps").asLong());
    assertEquals(1, json.get("coefficients").size());
    assertEquals(4, json.get("coefficients").get(0).size());
    assertEquals(List.of("a", "b", "c", "z"), Cli.strings(json.get("features")));
    assertEquals(List.of("y"), Cli.strings(json.get("targets")));
    assertTrue(json.get("seconds").asDouble() >= 0);
    for (String phase : List.of("reading", "preparation", "training", "certificate")) {
      assertTrue(json.path("phases").path(phase).asDouble(-1) >= 0, phase);
    }
  }

  @Test
  void timingsAddUpToAll() {
    long begin = System.nanoTime();
    String printed = Cli.train(data, "--target y --optimizer adam --epochs 3 --timings").out();
    double elapsed = (System.nanoTime() - begin) / 1e9;
    List<String[]> lines =
        printed
            .substring(printed.indexOf("\nseconds\n"))
            .lines()
            .skip(2)
            .map(line -> line.strip().split("  +"))
            .toList();
    double sum = 0;
    for (String[] line : lines.subList(0, lines.size() - 1)) {
      sum += Double.parseDouble(line[1]);
    }
    assertEquals("all", lines.getLast()[0]);
    assertEquals("start", lines.getFirst()[0]);
    double ofCommand = sum - Double.parseDouble(lines.getFirst()[1]);
    // What is missing is the reading of options and closing.
    assertTrue(ofCommand <= elapsed + 0.01, printed);
    assertTrue(ofCommand >= elapsed / 2 - 0.1, printed);
    assertEquals(sum, Double.parseDouble(lines.getLast()[1]), 0.0006 * lines.size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"scalar", "simd"})
  void jsonNamesBackend(String backend) throws IOException {
    JsonNode json = Cli.train(data, "--target y --json --epochs 1 --backend " + backend).json();
    assertEquals(backend, json.get("backend").asText());
  }

  @Test
  void jsonLeavesProgressToStandardError() throws IOException {
    Cli run = Cli.train(data, "--target y --json --optimizer adam --epochs 20");
    assertEquals(20, run.json().get("epochs").asLong());
    Cli.assertContains(run.err(), "epoch ", "loss ", "simd", "scalar");
  }

  @Test
  void quietJsonWritesNothingElse() throws IOException {
    Cli run = Cli.train(data, "--target y,z --json --quiet --optimizer adam --epochs 20");
    assertEquals(20, run.json().get("epochs").asLong());
    assertEquals("", run.err());
  }

  @Test
  void quietHasNoProgress() {
    String line = "--target y,z --optimizer adam --epochs 20";
    Cli loud = Cli.train(data, line).exits(Cli.DONE);
    Cli quiet = Cli.train(data, line + " --quiet").exits(Cli.DONE);
    assertTrue(loud.out().lines().anyMatch(l -> l.startsWith("epoch ")), loud::out);
    assertFalse(quiet.out().lines().anyMatch(l -> l.startsWith("epoch ")), quiet::out);
    assertEquals("", quiet.err());
  }

  @Test
  void aTrainingThatDivergesSavesTheBestBefore() throws IOException {
    Path model = folder.resolve("best.safetensors");
    Cli run =
        Cli.train(
                data,
                "--target y,z --optimizer gd --learning-rate 0.1 --epochs 400 --schedule linear:30,1,900 --quiet --save "
                    + model)
            .exits(1);
    Cli.assertContains(run.err(), "training diverged", "the best loss before was", "is saved in");
    assertTrue(Files.exists(model));
  }

  @Test
  void separableClassesAreSaid() throws IOException {
    Path file = folder.resolve("classes.csv");
    Files.writeString(file, "x,y,one\n1,0,1\n2,0,1\n3,1,1\n4,1,1\n");
    String line = "--features x --loss logistic --optimizer lbfgs --quiet --target ";
    Cli.assertContains(Cli.train(file, line + "y").exits(Cli.DONE).err(), "separable", "--l2");
    assertEquals("", Cli.train(file, line + "y --l2 0.1").exits(Cli.DONE).err());
    Cli.assertContains(Cli.train(file, line + "one --l2 1").exits(Cli.DONE).err(), "one class");
  }

  /** z is a combination of the others. */
  @Test
  void illConditionedProblemsNameAMethod() {
    String line = "--target y --epochs 20 --quiet --optimizer ";
    Cli plain = Cli.train(data, line + "gd --no-standardize --learning-rate auto").exits(Cli.DONE);
    Cli.assertContains(plain.err(), "condition number", "--optimizer auto", "standardization");
    Cli cg = Cli.train(data, line + "cg --dtype f64").exits(Cli.DONE);
    Cli.assertContains(cg.err(), "is a combination of others");
    assertEquals(1, cg.err().lines().count(), cg::err);
    Cli.assertContains(cg.out(), " of the variance");
    assertFalse(cg.out().contains("gap none"), cg::out);
  }

  @Test
  void textHasLossExactLossAndCoefficients() {
    String line = "--target y,z --optimizer adam --epochs 20 --quiet";
    String out = Cli.train(data, line).exits(Cli.DONE).out();
    Cli.assertContains(
        out,
        "loss (MSE)",
        "exact least squares",
        "R2",
        "coefficients of y",
        "coefficients of z",
        "(intercept)");
  }

  @Test
  void coefficientsAreInRawUnits() throws IOException {
    JsonNode json = Cli.train(data, "--target y --features a,b,c " + EXACT).json();
    assertArrayEquals(new double[] {2, -3, 0.5}, Cli.numbers(json.at("/coefficients/0")), ROUNDING);
    assertArrayEquals(new double[] {1}, Cli.numbers(json.get("intercept")), ROUNDING);
    assertEquals(1, json.get("r2").asDouble(), ROUNDING);
    assertEquals(0, json.get("mse").asDouble(), ROUNDING);
    assertEquals(0, json.get("exactMse").asDouble(), ROUNDING);
  }

  @Test
  void twoTargets() throws IOException {
    JsonNode json = Cli.train(data, "--target y,z " + EXACT).json();
    assertEquals(List.of("y", "z"), Cli.strings(json.get("targets")));
    assertEquals(List.of("a", "b", "c"), Cli.strings(json.get("features")));
    assertEquals(2, json.get("coefficients").size());
    assertArrayEquals(new double[] {2, -3, 0.5}, Cli.numbers(json.at("/coefficients/0")), ROUNDING);
    assertArrayEquals(new double[] {-1, 4, 0}, Cli.numbers(json.at("/coefficients/1")), ROUNDING);
    assertArrayEquals(new double[] {1, 7}, Cli.numbers(json.get("intercept")), ROUNDING);
  }

  @Test
  void targetsKeepTheirOrder() throws IOException {
    JsonNode json = Cli.train(data, "--target z,y " + EXACT).json();
    assertEquals(List.of("z", "y"), Cli.strings(json.get("targets")));
    assertArrayEquals(new double[] {7, 1}, Cli.numbers(json.get("intercept")), ROUNDING);
  }

  @Test
  void featuresKeepTheirOrder() throws IOException {
    JsonNode json = Cli.train(data, "--target y --features c,a,b " + EXACT).json();
    assertEquals(List.of("c", "a", "b"), Cli.strings(json.get("features")));
    assertArrayEquals(new double[] {0.5, 2, -3}, Cli.numbers(json.at("/coefficients/0")), ROUNDING);
  }

  @Test
  void featuresSelect() throws IOException {
    JsonNode json = Cli.train(data, "--target z --features b,a " + EXACT).json();
    assertEquals(List.of("b", "a"), Cli.strings(json.get("features")));
    assertArrayEquals(new double[] {4, -1}, Cli.numbers(json.at("/coefficients/0")), ROUNDING);
  }

  @Test
  void columnsByNumber() throws IOException {
    JsonNode json = Cli.train(data, "--target 4 --features 3,1,2 " + EXACT).json();
    assertEquals(List.of("c", "a", "b"), Cli.strings(json.get("features")));
    assertEquals(List.of("y"), Cli.strings(json.get("targets")));
  }

  /** Through the origin the coefficient is sum(ay) / sum(aa), of the data as they are. */
  @ParameterizedTest
  @ValueSource(strings = {"", " --no-standardize --learning-rate 0.01"})
  void noIntercept(String option) throws IOException {
    String line = "--target y --features a --no-intercept " + EXACT;
    if (!option.isEmpty()) {
      line = line.replace("--learning-rate 0.4 ", "") + option;
    }
    JsonNode json = Cli.train(data, line).json();
    double ay =
        IntStream.range(0, SmallData.ROWS).mapToDouble(r -> SmallData.a(r) * SmallData.y(r)).sum();
    double aa =
        IntStream.range(0, SmallData.ROWS).mapToDouble(r -> SmallData.a(r) * SmallData.a(r)).sum();
    assertEquals(ay / aa, json.at("/coefficients/0/0").asDouble(), ROUNDING);
    assertTrue(Arrays.stream(Cli.numbers(json.path("intercept"))).allMatch(v -> v == 0));
    assertEquals(json.get("exactMse").asDouble(), json.get("mse").asDouble(), ROUNDING);
  }

  /** {@code mse} and {@code r2} are those of the printed model on the data. */
  @ParameterizedTest
  @ValueSource(strings = {"gd", "sgd", "adam", "adamw", "rmsprop"})
  void lossBelongsToCoefficients(String optimizer) throws IOException {
    JsonNode json =
        Cli.train(
                data,
                "--target y --features a,c --json --quiet --dtype f64 --epochs 7 --optimizer "
                    + optimizer)
            .json();
    double[] w = Cli.numbers(json.at("/coefficients/0"));
    double intercept = json.at("/intercept/0").asDouble();
    double mean =
        IntStream.range(0, SmallData.ROWS).mapToDouble(SmallData::y).average().orElseThrow();
    double errors = 0;
    double squares = 0;
    for (int row = 0; row < SmallData.ROWS; row++) {
      double predicted = w[0] * SmallData.a(row) + w[1] * SmallData.c(row) + intercept;
      errors += Math.pow(predicted - SmallData.y(row), 2);
      squares += Math.pow(SmallData.y(row) - mean, 2);
    }
    assertEquals(errors / SmallData.ROWS, json.get("mse").asDouble(), ROUNDING);
    assertEquals(1 - errors / squares, json.get("r2").asDouble(), ROUNDING);
    assertTrue(json.get("exactMse").asDouble() < json.get("mse").asDouble(), json::toString);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gd", "sgd", "adam", "adamw", "rmsprop"})
  void sameSeedSameResult(String optimizer) throws IOException {
    String batch = optimizer.equals("gd") ? "" : " --batch-size 4";
    String line =
        "--target y --json --quiet --epochs 9 --validation 0.25 --optimizer "
            + optimizer
            + batch
            + " --seed ";
    assertEquals(
        withoutSeconds(Cli.train(data, line + 3)), withoutSeconds(Cli.train(data, line + 3)));
    assertNotEquals(
        withoutSeconds(Cli.train(data, line + 3)), withoutSeconds(Cli.train(data, line + 4)));
  }

  private static JsonNode withoutSeconds(Cli run) throws IOException {
    ObjectNode json = (ObjectNode) run.json();
    assertTrue(json.remove("seconds").isNumber());
    assertTrue(json.remove("phases").isObject());
    return json;
  }

  @Test
  void threadsDoNotChangeResult() throws IOException {
    String line = "--target progression --json --quiet --optimizer adam --epochs 5 --threads ";
    assertEquals(
        withoutSeconds(Cli.train(SAMPLE, line + 1)), withoutSeconds(Cli.train(SAMPLE, line + 4)));
  }

  /** The settings of the README. */
  @Test
  void sampleReachesExactLoss() throws IOException {
    JsonNode json =
        Cli.train(
                SAMPLE,
                "--target progression --optimizer gd --dtype f64 --learning-rate 0.24 --epochs 8000"
                    + " --json")
            .json();
    double exact = json.get("exactMse").asDouble();
    assertEquals(10, json.get("features").size());
    assertEquals(exact, json.get("mse").asDouble(), 1e-6 * exact);
    try (InputStream in = getClass().getResourceAsStream("/golden/regression.json")) {
      double golden = new ObjectMapper().readTree(in).at("/diabetes/mse/0").asDouble();
      assertEquals(golden, exact, ROUNDING * golden);
    }
  }

  /** The loss and R2 that are printed come from the rows. */
  @Test
  void gramReachesExactLoss() throws IOException {
    JsonNode json =
        Cli.train(
                SAMPLE,
                "--target progression --optimizer gd --dtype f64 --learning-rate 0.24 --epochs 8000"
                    + " --json --gram")
            .json();
    double exact = json.get("exactMse").asDouble();
    assertEquals(exact, json.get("mse").asDouble(), 1e-6 * exact);
  }

  /** 8 (d^2 + 3 k d + 1024 (d + k)) bytes for d = 3 and k = 2. */
  @Test
  void gramSaysWhatItTakes() {
    String line = "--target y,z --epochs 2 --gram";
    Cli.assertContains(
        Cli.train(data, line).exits(Cli.DONE).out(), "gram: X^T X and X^T y take 49,368 bytes");
    assertFalse(Cli.train(data, line + " --quiet").out().contains("gram:"));
  }

  @Test
  void logHasHeaderAndOneRowPerEpoch() throws IOException {
    List<String> lines = log("--optimizer adam --epochs 7 --validation 0.25");
    assertEquals(8, lines.size());
    int columns = lines.getFirst().split(",", -1).length;
    assertEquals("epoch", lines.getFirst().split(",", -1)[0]);
    for (int epoch = 1; epoch <= 7; epoch++) {
      String[] cells = lines.get(epoch).split(",", -1);
      assertEquals(columns, cells.length);
      assertEquals(Integer.toString(epoch), cells[0]);
      for (String cell : cells) {
        assertTrue(Double.isFinite(Double.parseDouble(cell)), lines.get(epoch));
      }
    }
  }

  @Test
  void logEndsWhereTrainingStops() throws IOException {
    Path log = folder.resolve("history.csv");
    JsonNode json =
        Cli.train(
                data,
                "--target y --json --optimizer adam --epochs 500 --tolerance 0.5 --log " + log)
            .json();
    assertEquals(json.get("epochs").asInt() + 1, Files.readAllLines(log).size());
  }

  @Test
  void logReplacesLongerOne() throws IOException {
    assertEquals(10, log("--optimizer adam --epochs 9").size());
    assertEquals(3, log("--optimizer adam --epochs 2").size());
  }

  @Test
  void logHasLearningRatesOfSchedule() throws IOException {
    List<String> lines = log("--epochs 3 --learning-rate 0.8 --schedule step:1e,0.5");
    int column = List.of(lines.getFirst().split(",", -1)).indexOf("learning_rate");
    double[] rates =
        lines.stream()
            .skip(1)
            .mapToDouble(l -> Double.parseDouble(l.split(",", -1)[column]))
            .toArray();
    assertArrayEquals(new double[] {0.8, 0.4, 0.2}, rates, ROUNDING);
  }

  @Test
  void logLossFalls() throws IOException {
    List<String> lines = log("--optimizer gd --epochs 10");
    int column = List.of(lines.getFirst().split(",", -1)).indexOf("loss");
    double[] losses =
        lines.stream()
            .skip(1)
            .mapToDouble(l -> Double.parseDouble(l.split(",", -1)[column]))
            .toArray();
    for (int i = 1; i < losses.length; i++) {
      assertTrue(losses[i] < losses[i - 1], Arrays.toString(losses));
    }
  }

  private List<String> log(String options) throws IOException {
    Path log = folder.resolve("history.csv");
    Cli.train(data, "--target y --quiet --log " + log + " " + options).exits(Cli.DONE);
    return Files.readAllLines(log);
  }

  @Test
  void noHeader() throws IOException {
    Path file = SmallData.write(folder, "1,3\n2,5\n3,7\n4,9\n");
    JsonNode json = Cli.train(file, "--no-header --target 2 " + EXACT).json();
    assertArrayEquals(new double[] {2}, Cli.numbers(json.at("/coefficients/0")), ROUNDING);
    assertArrayEquals(new double[] {1}, Cli.numbers(json.get("intercept")), ROUNDING);
  }

  @Test
  void validationHoldsRowsOut() throws IOException {
    JsonNode json =
        Cli.train(data, "--target y --json --optimizer adam --epochs 4 --validation 0.25").json();
    assertTrue(json.get("validationMse").isNumber(), json::toString);
    assertTrue(json.get("exactMse").isNull(), "not of the rows that were trained on");
  }

  /** More features than the direct solution takes, in a file of few rows. */
  @Test
  void fewRowsOfManyFeatures() throws IOException {
    StringBuilder text = new StringBuilder("y");
    int columns = 8_200;
    for (int c = 0; c < columns; c++) {
      text.append(",x").append(c);
    }
    for (int row = 0; row < 3; row++) {
      text.append('\n').append(row);
      for (int c = 0; c < columns; c++) {
        text.append(',').append((c * 7 + row * 11) % 13);
      }
    }
    Path wide = Files.writeString(folder.resolve("wide.csv"), text);
    Cli run = Cli.train(wide, "--target y --epochs 2").exits(Cli.DONE);
    Cli.assertContains(run.out(), "not computed: it is computed for up to 8,192 features");
  }
}
