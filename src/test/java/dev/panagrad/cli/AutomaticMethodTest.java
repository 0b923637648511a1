package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code train} takes where no optimizer is named, and what it says of it. */
class AutomaticMethodTest {
  private static final String AUTO = "optimizer auto: ";
  private static final String DIRECT = "least squares of this size has a direct solution";

  @TempDir private Path folder;
  private Path data;

  /** The small data, with classes, counts and weights beside them. */
  @BeforeEach
  void writeData() {
    String rows =
        IntStream.range(0, SmallData.ROWS)
            .mapToObj(
                row ->
                    "%s,%s,%s,%d,%d,%d"
                        .formatted(
                            SmallData.a(row),
                            SmallData.b(row),
                            SmallData.y(row) + row % 2,
                            row % 5 % 2,
                            row % 4,
                            1 + row % 3))
            .collect(Collectors.joining("\n"));
    data = SmallData.write(folder, "a,b,y,class,count,w\n" + rows + "\n");
  }

  private static String said(String text) {
    List<String> lines = text.lines().filter(line -> line.startsWith(AUTO)).toList();
    assertEquals(1, lines.size(), text);
    return lines.getFirst().substring(AUTO.length());
  }

  /** On standard output, or on standard error beside JSON, in which the method's name stands. */
  private void takes(Path file, String options, String said) throws IOException {
    String line = "--features a,b --quiet " + options;
    Cli text = Cli.train(file, line).exits(Cli.DONE);
    assertEquals(said, said(text.out()));
    assertFalse(text.err().contains(AUTO), text::toString);
    Cli run = Cli.train(file, line + " --json");
    String method = run.json().get("optimizer").asText();
    assertEquals(said, said(run.err()));
    assertTrue(said.startsWith(method + ", as "), run::toString);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--l2 0.1",
        "--batch-size full",
        "--epochs 1",
        "--tolerance 1e-6 --patience 2",
        "--validation 0.25",
        "--no-intercept",
        "--no-standardize",
        "--no-shuffle --seed 3",
        "--threads 1",
        "--backend scalar",
        "--optimizer auto",
        "--weights w",
        "--offset w",
        "--exact",
        "--loss squared"
      })
  void leastSquaresIsDirect(String options) throws IOException {
    takes(data, "--target y " + options, "exact, as " + DIRECT + "; rows are F64");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --target y --l1 0.1                                | fista | an L1 penalty has a corner at zero
          --target y --loss huber:1.35 --l1 0.1 --l2 1       | fista | an L1 penalty has a corner at zero
          --target class --loss logistic --l1 0.1            | fista | an L1 penalty has a corner at zero
          --target class --loss logistic --l2 0.1            | lbfgs | loss 'logistic' is smooth
          --target class --loss logistic --class-weights 1,2 --l2 1 | lbfgs | loss 'logistic' is smooth
          --target count --loss poisson                      | lbfgs | loss 'poisson' is smooth
          --target count --loss poisson --offset w           | lbfgs | loss 'poisson' is smooth
          --target y --loss huber:1.35                       | lbfgs | loss 'huber' is smooth
          """)
  void lossesAndPenalties(String options, String method, String reason) throws IOException {
    takes(data, options, method + ", as " + reason + "; rows are F64");
  }

  /** Whatever the loss: they have no meaning for a method that looks at all rows. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--learning-rate 0.1",
        "--schedule cosine:2e",
        "--batch-size 4",
        "--clip-norm 1",
        "--clip-value 1",
        "--average ema:0.9",
        "--state bf16",
        "--accumulate 2 --batch-size 4",
        "--reduce-rate 0.5,2",
        "--beta1 0.8",
        "--beta2 0.99",
        "--epsilon 1e-6",
        "--amsgrad",
        "--weight-decay 0.1"
      })
  void optionsForSteps(String option) throws IOException {
    String reason = option.split(" ", -1)[0] + " is for optimizers that step";
    String line = " --epochs 3 " + option;
    takes(data, "--target y" + line, "adam, as " + reason + "; rows are F32");
    takes(data, "--target count --loss poisson" + line, "adam, as " + reason + "; rows are F32");
  }

  @Test
  void whatHasNoEffectIsSaid() {
    String line = "--target y --quiet --patience 2 --epochs 7";
    String said = "without effect on a direct solution: --epochs, --patience";
    assertTrue(Cli.train(data, line).exits(Cli.DONE).out().lines().anyMatch(said::equals));
    Cli run = Cli.train(data, line + " --json").exits(Cli.DONE);
    assertTrue(run.err().lines().anyMatch(said::equals), run::toString);
    run = Cli.train(data, line + " --l1 0.1").exits(Cli.DONE);
    assertFalse(run.out().contains("without effect"), run::toString);
  }

  @Test
  void sumsInsteadOfRowsAreForSteps() throws IOException {
    String said = "adam, as --gram is for optimizers that step; rows are F32";
    takes(data, "--target y --epochs 3 --gram", said);
  }

  @Test
  void quantilesAreProgramsWithoutAPenalty() throws IOException {
    takes(
        data,
        "--target y --loss quantile:0.5",
        "exact, as quantile regression is a linear program; rows are F64");
    String reason =
        "no method that ends by itself is known for loss 'quantile' with a penalty or so many values";
    takes(
        data,
        "--target y --epochs 3 --loss quantile:0.5 --l1 0.1",
        "adam, as " + reason + "; rows are F32");
  }

  @Test
  void filesBeyondMemory() throws IOException {
    Path rows = folder.resolve("rows.safetensors");
    Cli.run("convert %s " + rows + " --target y --features a,b", data).exits(Cli.DONE);
    Cli run = Cli.train(rows, "--quiet --epochs 3 --data-memory 1m").exits(Cli.DONE);
    assertEquals("adam, as rows are beyond --data-memory; rows are F32", said(run.out()));
    run = Cli.train(rows, "--quiet").exits(Cli.DONE);
    assertEquals("exact, as " + DIRECT + "; rows are F32", said(run.out()));
  }

  @Test
  void moreFeaturesThanTheDirectSolutionTakes() throws IOException {
    StringBuilder text = new StringBuilder("y");
    IntStream.range(0, 1025).forEach(f -> text.append(",x").append(f));
    for (int row = 0; row < 4; row++) {
      text.append('\n').append(row * row);
      for (int f = 0; f < 1025; f++) {
        text.append(',').append((row * 31 + f * 17 + row * f) % 23);
      }
    }
    Path wide = SmallData.write(folder, text.append('\n').toString());
    Cli run = Cli.train(wide, "--target y --json --quiet --exact");
    JsonNode json = run.json();
    assertEquals(
        "cg, as the direct solution is for up to 1,024 features and 1e+12 operations; rows are F64",
        said(run.err()));
    assertEquals("cg", json.get("optimizer").asText());
    assertEquals(0, json.get("mse").asDouble(), 1e-12);
  }

  @Test
  void aNamedOptimizerIsNotSpokenOf() {
    for (String optimizer : List.of("adam --epochs 3", "cg --epochs 3", "exact")) {
      Cli run = Cli.train(data, "--target y --quiet --optimizer " + optimizer);
      assertFalse(run.exits(Cli.DONE).out().contains(AUTO), run::toString);
      assertFalse(run.err().contains(AUTO), run::toString);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --l1 -1                                | l1              | -1
          --l2 NaN                               | l2              | NaN
          --l1 -1 --loss poisson                 | l1              | -1
          --l2 -1 --loss logistic                | l2              | -1
          --l2 -1 --loss quantile:0.5            | l2              | -1
          --l1 -1 --learning-rate 0.1            | l1              | -1
          --epochs 0 --loss poisson              | epochs          | 0
          --validation 1 --l1 0.1                | validation      | 1
          --tolerance -2 --loss logistic         | tolerance       | -2
          --patience 0 --l1 0.1                  | patience        | 0
          --accumulate 0                         | batches per step | 0
          --average ema:2                        | average         | 2
          --average median:2                     | --average       | median:2
          --reduce-rate 2,3                      | rate            | 2
          --learning-rate 0 --loss poisson       | learning rate   | 0
          --clip-norm -2 --l1 0.1                | norm            | -2
          --state int8 --loss logistic           | --state         | int8
          --batch-size 0 --loss logistic         | --batch-size    | 0
          --batch-size half                      | --batch-size    | half
          --data-memory none                     | --data-memory   | none
          --svrg                                 | --svrg          | use sgd
          --momentum 0.9                         | --momentum      | adam
          --momentum 0.9                         | --momentum      | --optimizer sgd or rmsprop
          --learning-rate 1 --nesterov           | --nesterov      | --optimizer sgd
          --alpha 0.9 --momentum 1               | --alpha         | --optimizer rmsprop
          --momentum 0.9 --beta1 0.9             | --momentum      | leave some out
          --loss quantile:0.5 --gram             | --gram          | squared loss
          --dtype f16                            | f32, f64 or auto | f16
          --dtype i64                            | f32, f64 or auto | i64
          --dtype x                              | f32, f64 or auto | x
          """)
  void valuesOutOfRangeAreRefused(String options, String name, String found) {
    Path nowhere = folder.resolve("nowhere.csv");
    Cli run = Cli.train(nowhere, "--target y --quiet " + options);
    Cli.assertContains(run.failure(Cli.USAGE), name, found);
    assertEquals("", run.out());
  }

  @ParameterizedTest
  @CsvSource({
    "'', F64",
    "--dtype auto, F64",
    "--dtype AUTO, F64",
    "--dtype f64, F64",
    "--dtype F32, F32",
    "--learning-rate 0.1, F32",
    "--learning-rate 0.1 --dtype auto, F32",
    "--learning-rate 0.1 --dtype f64, F64",
    "--loss huber:1, F64",
    "--loss huber:1 --dtype f32, F32"
  })
  void typesOfRows(String options, String expected) {
    Cli run = Cli.train(data, ("--target y --epochs 3 " + options).strip()).exits(Cli.DONE);
    assertTrue(said(run.out()).endsWith("; rows are " + expected), run::out);
    Cli.assertContains(run.out(), "data: 12 rows, 5 features, " + expected);
  }

  @ParameterizedTest
  @CsvSource({
    "cg, f64",
    "lbfgs, f64",
    "fista, f64",
    "exact, f64",
    "gd, f32",
    "adam, f32",
    "rmsprop, f32"
  })
  void typesOfRowsOfNamedOptimizers(String optimizer, String type) {
    String line = optimizer.equals("exact") ? "--target y" : "--target y --epochs 3";
    Cli run = Cli.train(data, line + " --optimizer " + optimizer).exits(Cli.DONE);
    Cli.assertContains(run.out().toLowerCase(Locale.ROOT), "5 features, " + type);
  }

  @ParameterizedTest
  @CsvSource({
    "--l1 0.1, --l1 0.1, use fista",
    "--loss logistic, --loss logistic, use lbfgs",
    "--loss poisson --l1 0.1, --loss poisson, '; use fista'",
    "--loss quantile:0.5 --l1 0.1, --l1 0.1, without a penalty",
    "--loss quantile:0.5 --l2 0.1, --l2 0.1, without a penalty",
    "--learning-rate 0.1, --learning-rate, exact",
    "--batch-size 4, full batches, 4",
    "--gram, --gram, exact",
    "--epochs 3, --epochs, name cg",
    "--patience 3 --tolerance 0.1, '--tolerance, --patience', name cg",
    "--init nowhere.safetensors, --init, name cg"
  })
  void exactRefuses(String options, String name, String found) {
    Path nowhere = folder.resolve("nowhere.csv");
    String line = "--target y --quiet --optimizer exact " + options;
    Cli.assertContains(Cli.train(nowhere, line).failure(Cli.USAGE), name, found);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--optimizer exact", "--optimizer auto", "--optimizer exact --l2 0.3"})
  void checkpointsOfTheDirectSolution(String options) throws IOException {
    Path checkpoints = folder.resolve("checkpoints");
    String line = "--target y --json --quiet " + options;
    JsonNode plain = withoutSeconds(Cli.train(data, line));
    String saving = line + " --checkpoint " + checkpoints;
    assertEquals(plain, withoutSeconds(Cli.train(data, saving)));
    List<String> files = files(checkpoints);
    assertEquals(1, files.size(), files::toString);
    assertEquals(plain, withoutSeconds(Cli.train(data, saving + " --resume")));
    assertEquals(files, files(checkpoints));
  }

  private static List<String> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".safetensors"))
          .toList();
    }
  }

  private static JsonNode withoutSeconds(Cli run) throws IOException {
    ObjectNode json = (ObjectNode) run.json();
    assertTrue(json.remove("seconds").isNumber());
    assertTrue(json.remove("phases").isObject());
    return json;
  }

  /** The certified values of a set whose condition number is 5e9, by the program alone. */
  @Test
  void longley() throws IOException {
    List<String> lines = Files.readAllLines(Path.of("src/test/resources/nist/Longley.dat"));
    List<Double> certified = new ArrayList<>();
    StringBuilder csv = new StringBuilder("y,x1,x2,x3,x4,x5,x6\n");
    for (int i = 0; i < lines.size(); i++) {
      String[] words = lines.get(i).strip().split("\\s+", -1);
      if (i < 60 && words[0].matches("B\\d")) {
        certified.add(Double.parseDouble(words[1]));
      } else if (i >= 60 && words.length == 7) {
        csv.append(String.join(",", words)).append('\n');
      }
    }
    assertEquals(7, certified.size());
    assertEquals(17, csv.toString().lines().count());
    JsonNode json =
        Cli.train(SmallData.write(folder, csv.toString()), "--target y --json --quiet").json();
    assertEquals("exact", json.get("optimizer").asText());
    List<Double> found = new ArrayList<>();
    found.add(json.at("/intercept/0").asDouble());
    for (double w : Cli.numbers(json.at("/coefficients/0"))) {
      found.add(w);
    }
    for (int i = 0; i < 7; i++) {
      double size = Math.abs(certified.get(i));
      assertEquals(certified.get(i), found.get(i), 1e-11 * size, "B" + i);
    }
    assertEquals(json.get("mse").asDouble(), json.get("exactMse").asDouble());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " --optimizer exact", " --no-standardize"})
  void dependentColumnsAreNamed(String options) throws IOException {
    String rows =
        IntStream.range(0, 9)
            .mapToObj(i -> "%d,%d,%d,%d".formatted(i, i * i % 7, 2 * i + 1, i * i * i % 11))
            .collect(Collectors.joining("\n"));
    Path file = SmallData.write(folder, "a,b,d,y\n" + rows + "\n");
    Cli run = Cli.train(file, "--target y --json" + options);
    JsonNode json = run.json();
    String warning =
        run.err().lines().filter(line -> line.contains("combination")).findFirst().orElseThrow();
    assertTrue(
        warning.contains("feature 'a' is a combination of ['d'] and a constant")
            || warning.contains("feature 'd' is a combination of ['a'] and a constant"),
        warning);
    // The least of all in units of deviations: a's is half of d's, and both take the same there.
    double[] w = Cli.numbers(json.at("/coefficients/0"));
    assertEquals(w[0], 2 * w[2], 1e-12 * Math.abs(w[0]));
  }

  @Test
  void wideTable() throws IOException {
    StringBuilder text = new StringBuilder("y");
    IntStream.range(0, 12).forEach(f -> text.append(",x").append(f));
    for (int row = 0; row < 5; row++) {
      text.append('\n').append(row * row % 7);
      for (int f = 0; f < 12; f++) {
        text.append(',').append((row * 13 + f * 7 + row * row * f) % 19);
      }
    }
    Path file = SmallData.write(folder, text.append('\n').toString());
    Cli run = Cli.train(file, "--target y --json --quiet");
    JsonNode json = run.json();
    Cli.assertContains(
        run.err(),
        "fewer rows (5) than features (12)",
        "is a combination of",
        "these are the smallest");
    assertEquals("exact", json.get("optimizer").asText());
    assertEquals(0, json.get("mse").asDouble(), 1e-20);
    assertEquals(1, json.get("r2").asDouble(), 1e-12);
  }
}
