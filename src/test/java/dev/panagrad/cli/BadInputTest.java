package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Data and values that training cannot use: exit status, and a line that says what was found. */
class BadInputTest {
  private static final String BRIEF = "--target y --epochs 2 --quiet";

  @TempDir private Path folder;

  private String failure(String text) {
    return Cli.train(SmallData.write(folder, text), BRIEF).failure(Cli.FAILED);
  }

  @Test
  void missingFile() {
    Path missing = folder.resolve("missing.csv");
    Cli.assertContains(
        Cli.train(missing, BRIEF).failure(Cli.FAILED), missing.toString(), "no such file");
  }

  @Test
  void directory() {
    Cli.assertContains(
        Cli.train(folder, BRIEF).failure(Cli.FAILED), folder.toString(), "directory");
  }

  @Test
  void emptyFile() {
    Cli.assertContains(failure(""), "data.csv is empty");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\n", "\n\n\n", "\r\n"})
  void onlyBlankLines(String text) {
    String line = failure(text);
    Cli.assertContains(line, "data.csv");
    assertTrue(line.contains("is empty") || line.contains("no rows"), line);
  }

  @Test
  void blankLinesAreSkipped() {
    Path data = SmallData.write(folder, "\n\na,y\n1,2\n\n2,4\n\n");
    Cli.train(data, BRIEF).exits(Cli.DONE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a,y", "a,y\n", "a,y\r\n\r\n"})
  void headerOnly(String text) {
    Cli.assertContains(failure(text), "data.csv", "header", "no rows");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          a,b,y/1,2,3/4,5/6,7,8       | data.csv:3: | 2 | 3
          a,b,y/1,2,3/4,5,6,7/6,7,8   | data.csv:3: | 4 | 3
          a,b,y//1,2,3//4,5           | data.csv:5: | 2 | 3
          a,b,y/"1",2,3/4,5,6/7       | data.csv:4: | 1 | 3
          """)
  void raggedRow(String text, String place, String found, String wanted) {
    Cli.assertContains(failure(text.replace('/', '\n')), place, found + " fields", wanted);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          a,b,y/1,2,3/4,oops,6     | data.csv:3:2: | 'oops' | 'b'
          a,b,y/1,2,3/4,5,6/7,8,-  | data.csv:4:3: | '-'    | 'y'
          a,b,y/1,2 3,3            | data.csv:2:2: | '2 3'  | 'b'
          a,b,y/1,"2,5",3          | data.csv:2:2: | '2,5'  | 'b'
          a,b,y//1,2,3//4,NA,6     | data.csv:5:2: | 'NA'   | 'b'
          """)
  void nonNumber(String text, String place, String found, String column) {
    Cli.assertContains(failure(text.replace('/', '\n')), place, found, column, "not a number");
  }

  @Test
  void noValue() {
    Cli.assertContains(failure("a,b,y\n,2,3\n"), "data.csv:2:1:", "column 'a' has no value");
  }

  @ParameterizedTest
  @ValueSource(strings = {"NaN", "-NaN", "Infinity", "-Infinity", "1e400"})
  void notFinite(String cell) {
    Cli.assertContains(
        failure("a,b,y\n1,2,3\n4,%s,6\n".formatted(cell)),
        "data.csv:3:2:",
        "'" + cell + "'",
        "not finite");
  }

  /** Coefficients of some 1e310, whatever the method. */
  @ParameterizedTest
  @ValueSource(strings = {"", " --optimizer lbfgs", " --loss quantile:0.5", " --optimizer adam"})
  void coefficientsBeyondF64(String options) {
    Path data = SmallData.write(folder, "b,a,y\n1,1e-310,2\n2,3e-310,5\n4,2e-310,4\n");
    Cli.assertContains(
        Cli.train(data, BRIEF + " --dtype f64" + options).failure(Cli.FAILED),
        "feature 'a' varies by so little beside target 'y' that its coefficient is beyond F64");
  }

  /** 1e39 is finite, and infinite as a float. */
  @Test
  void beyondF32() throws IOException {
    String text = "a,y\n1,2\n1e39,3\n4,5\n";
    Path data = SmallData.write(folder, text);
    for (String options : new String[] {" --dtype f32", " --optimizer adam"}) {
      Cli.assertContains(
          Cli.train(data, BRIEF + options).failure(Cli.FAILED),
          "data.csv:3:1:",
          "'1e39'",
          "f32",
          "f64");
    }
    assertFinite(Cli.train(data, BRIEF + " --json").json());
    assertFinite(Cli.train(data, BRIEF + " --dtype f64 --json").json());
  }

  @Test
  void unusedColumnMayHoldText() {
    Path data = SmallData.write(folder, "name,a,y\nAnn,1,2\nBob,2,3\nEve,4,7\n");
    Cli.train(data, BRIEF + " --features a").exits(Cli.DONE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          --target progresion                     | 'progresion' | 'progression'
          --target Progression                    | 'Progression'| 'progression'
          --target progression,bmj                | 'bmj'        | 'bmi'
          --target progression --features age,sx  | 'sx'         | 'sex'
          """)
  void unknownColumn(String options, String asked, String nearest) {
    String line =
        Cli.train(Path.of("sample:diabetes"), options + " --epochs 2 --quiet").failure(Cli.FAILED);
    Cli.assertContains(line, asked, "did you mean " + nearest);
  }

  @ParameterizedTest
  @CsvSource({"0", "6", "999999999", "99999999999"})
  void noColumnOfThatNumber(String number) {
    Path data = SmallData.write(folder);
    String line = Cli.train(data, "--quiet --target " + number).failure(Cli.FAILED);
    Cli.assertContains(line, number);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          --target y --features a,y | 'y'
          --target y,y              | 'y'
          --target y --features a,a | 'a'
          --target a,b,c,y,z        | no feature
          """)
  void columnTwice(String options, String found) {
    String line = Cli.train(SmallData.write(folder), "--quiet " + options).failure(Cli.FAILED);
    Cli.assertContains(line, found);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a,a,y", "a, a,y", "a,y,y"})
  void duplicateName(String header) {
    Cli.assertContains(failure(header + "\n1,2,3\n4,5,6\n"), "data.csv:1:", "twice");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gd", "sgd", "adam", "adamw", "rmsprop"})
  void constantFeature(String optimizer) throws IOException {
    Path data = SmallData.write(folder, "a,k,y\n1,5,3\n2,5,5\n3,5,8\n4,5,8\n");
    Cli run = Cli.train(data, "--target y --epochs 50 --json --optimizer " + optimizer);
    JsonNode json = run.json();
    assertFinite(json);
    assertEquals(0, json.at("/coefficients/0/1").asDouble());
    Cli.assertContains(run.err(), "warning", "constant", "k");
  }

  @Test
  void constantFeatureInRawUnits() throws IOException {
    Path data = SmallData.write(folder, "a,k,y\n1,5,3\n2,5,5\n3,5,8\n4,5,8\n");
    assertFinite(Cli.train(data, BRIEF + " --json --no-standardize").json());
  }

  @Test
  void onlyConstantFeatures() throws IOException {
    Path data = SmallData.write(folder, "k,y\n5,3\n5,5\n5,8\n");
    JsonNode json = Cli.train(data, "--target y --dtype f64 --json").json();
    assertFinite(json);
    assertEquals(16.0 / 3, json.at("/intercept/0").asDouble(), 1e-12);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " --no-standardize", " --no-intercept", " --dtype f64"})
  void constantTarget(String option) throws IOException {
    Path data = SmallData.write(folder, "a,y\n1,7\n2,7\n3,7\n");
    Cli run = Cli.train(data, "--target y --epochs 50 --json" + option);
    JsonNode json = run.json();
    assertFinite(json);
    assertTrue(json.has("r2"));
    Cli.assertContains(run.err(), "warning", "constant");
  }

  /** Of 1e-300, where squares are zero, and of 1e300, where they are beyond all numbers. */
  @ParameterizedTest
  @ValueSource(strings = {"", " --no-standardize", " --optimizer cg", " --optimizer gd"})
  void sizesWhoseSquaresAreNoNumbers(String options) {
    Path data = SmallData.write(folder, "a,y\n1,1e-300\n2,4e-300\n3,-2e-300\n");
    String line = "--target y --quiet --dtype f64" + options;
    Cli.assertContains(Cli.train(data, line).err(), "target 'y' varies by so little", "unit");
    SmallData.write(folder, "a,y\n1,1e-300\n2,1e-300\n3,1e-300\n");
    Cli.assertContains(Cli.train(data, line).exits(Cli.DONE).err(), "target 'y' is constant");
    SmallData.write(folder, "y,a\n1,1e300\n2,4\n3,-2e300\n");
    Cli.assertContains(Cli.train(data, line).err(), "row 3 of feature 'a' is -2.0E300, too large");
    line = line.replace("--target y", "--target a");
    Cli.assertContains(Cli.train(data, line).err(), "row 3 of target 'a' is -2.0E300, too large");
  }

  /** A ratio to an exact loss of zero is not a number to show. */
  @ParameterizedTest
  @ValueSource(strings = {"a,y\n1,7\n2,7\n3,7\n", "a,b,c,y\n1,2,3,4\n2,1,5,7\n"})
  void gapToZeroIsNotShown(String text) {
    String out = Cli.train(SmallData.write(folder, text), BRIEF).exits(Cli.DONE).out();
    assertFalse(out.contains("NaN%"), out);
    assertFalse(out.contains("Infinity%"), out);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gd", "sgd", "adam", "adamw", "rmsprop"})
  void fewerRowsThanColumns(String optimizer) throws IOException {
    Path data = SmallData.write(folder, "a,b,c,d,y\n1,2,3,5,4\n2,1,5,7,7\n");
    Cli run = Cli.train(data, "--target y --epochs 20 --json --optimizer " + optimizer);
    assertFinite(run.json());
    Cli.assertContains(run.err(), "warning", "fewer rows (2) than features (4)");
  }

  @Test
  void oneRow() throws IOException {
    Cli run = Cli.train(SmallData.write(folder, "a,b,y\n1,2,3\n"), "--target y --json");
    JsonNode json = run.json();
    assertFinite(json);
    assertEquals(3, json.at("/intercept/0").asDouble(), 1e-6);
  }

  @Test
  void batchLargerThanData() {
    Path data = SmallData.write(folder);
    String line = Cli.train(data, BRIEF + " --batch-size 13").failure(Cli.FAILED);
    Cli.assertContains(line, "batch", "13", "12");
  }

  /** 9 of the 12 rows are trained on. */
  @Test
  void batchLargerThanTrainingRows() {
    Path data = SmallData.write(folder);
    String line = Cli.train(data, BRIEF + " --batch-size 10 --validation 0.25").failure(Cli.FAILED);
    Cli.assertContains(line, "batch", "10", "9");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.01", "0.99"})
  void validationThatLeavesNothing(String fraction) {
    Path data = SmallData.write(folder);
    String line = Cli.train(data, BRIEF + " --validation " + fraction).failure(Cli.FAILED);
    Cli.assertContains(line, "validation", fraction, "12");
  }

  @ParameterizedTest
  @CsvSource({
    "gd, f32, 1e30",
    "gd, f64, 1e30",
    "sgd, f32, 1e30",
    "sgd, f64, 1e200",
    "adam, f32, 1e30",
    "adam, f64, 1e200",
    "rmsprop, f32, 1e30",
    "adamw, f32, 1e30"
  })
  void hugeLearningRate(String optimizer, String dtype, String rate) {
    Path data = SmallData.write(folder);
    Cli run =
        Cli.train(
            data,
            "--target y --epochs 20 --quiet --json --optimizer %s --dtype %s --learning-rate %s"
                .formatted(optimizer, dtype, rate));
    Cli.assertContains(
        run.failure(Cli.FAILED),
        "step ",
        "loss is ",
        "learning rate 1.000e" + rate.replace("1e", "+"),
        "try ",
        "--learning-rate");
    assertEquals("", run.out());
  }

  /** The only step goes wrong: no later step can notice. */
  @ParameterizedTest
  @CsvSource({"gd, f32, 1e30", "gd, f64, 1e200", "adam, f32, 1e30"})
  void hugeLearningRateInLastStep(String optimizer, String dtype, String rate) {
    Path data = SmallData.write(folder);
    Cli run =
        Cli.train(
            data,
            "--target y --epochs 1 --quiet --optimizer %s --dtype %s --learning-rate %s"
                .formatted(optimizer, dtype, rate));
    Cli.assertContains(run.failure(Cli.FAILED), "step ", "loss", "learning rate", "try ");
  }

  /** The advice can be typed as it stands. */
  @Test
  void adviceIsNumberInAnyLocale() {
    Path data = SmallData.write(folder);
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      String line =
          Cli.train(data, "--target y --quiet --optimizer gd --learning-rate 4.5")
              .failure(Cli.FAILED);
      Cli.assertContains(line, "try --learning-rate 0.45");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void adviceHelps() {
    Path data = SmallData.write(folder);
    String line =
        Cli.train(data, "--target y --quiet --optimizer gd --learning-rate 4.5")
            .failure(Cli.FAILED);
    String rate = line.replaceFirst(".*try --learning-rate (\\S+).*", "$1");
    Cli.train(data, "--target y --quiet --optimizer gd --learning-rate " + rate).exits(Cli.DONE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"train %s --target y", "compare %s --target y"})
  void unknownBackend(String command) {
    Cli run = Cli.run(command, SmallData.write(folder), "--backend", "abacus").exits(Cli.FAILED);
    Cli.assertContains(run.err(), "'abacus'", "simd", "scalar", "auto");
    assertFalse(run.err().contains("\tat "), run.err());
    assertEquals("", run.out());
  }

  @Test
  void logInMissingFolder() {
    Path log = folder.resolve("missing").resolve("history.csv");
    String line = Cli.train(SmallData.write(folder), BRIEF + " --log " + log).failure(Cli.FAILED);
    Cli.assertContains(line, "cannot write", log.toString(), "folder does not exist");
  }

  @Test
  void logIsDirectory() {
    String line =
        Cli.train(SmallData.write(folder), BRIEF + " --log " + folder).failure(Cli.FAILED);
    Cli.assertContains(line, "cannot write", folder.toString(), "irectory");
  }

  @Test
  void logOverDataKeepsData() throws IOException {
    Path data = SmallData.write(folder);
    String before = Files.readString(data);
    Cli.assertContains(
        Cli.train(data, BRIEF + " --log " + data).failure(Cli.USAGE), data.toString());
    assertEquals(before, Files.readString(data));
  }

  /** A run that never starts leaves the history of the last one. */
  @Test
  void failureKeepsOldLog() throws IOException {
    Path log = Files.writeString(folder.resolve("history.csv"), "old\n");
    Cli.train(SmallData.write(folder), "--target why --quiet --log " + log).failure(Cli.FAILED);
    assertEquals("old\n", Files.readString(log));
  }

  @ParameterizedTest
  @CsvSource({
    "train missing.csv --target y --debug, missing.csv",
    "--debug train missing.csv --target y, missing.csv",
    "train sample:diabetes --target progression --batch-size half --debug, half"
  })
  void debugPrintsStackTrace(String line, String found) {
    Cli run = Cli.run(line.split(" ", -1));
    assertTrue(run.status() != Cli.DONE, run::toString);
    Cli.assertContains(run.err(), "Exception", "\tat dev.panagrad.", "panagrad: ", found);
  }

  private static void assertFinite(JsonNode json) {
    json.get("coefficients")
        .forEach(
            row ->
                assertTrue(
                    Arrays.stream(Cli.numbers(row)).allMatch(Double::isFinite), json::toString));
    assertTrue(
        Arrays.stream(Cli.numbers(json.get("intercept"))).allMatch(Double::isFinite),
        json::toString);
    assertTrue(json.get("mse").isNumber(), json::toString);
  }
}
