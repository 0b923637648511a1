package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Metrics;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every warning is printed where it belongs, and not next to it. */
class WarningsTest {
  private static final String PREFIX = "panagrad: warning: ";

  @TempDir private static Path folder;

  /** A warning, what it says, and two commands: it is printed by the first, not by the second. */
  private record Row(Warning warning, String words, String there, String near) {
    @Override
    public String toString() {
      return warning + ": " + there;
    }
  }

  private static Row row(Warning warning, String words, String there, String near) {
    return new Row(warning, words, there, near);
  }

  static Stream<Row> rows() {
    return Stream.of(
        row(
            Warning.FEW_ROWS,
            "fewer rows (4 besides those held out) than features (5): ",
            "train wide --target y --validation 0.5",
            "train wide --target y --validation 0.25"),
        row(
            Warning.FEW_ROWS,
            "fewer rows (4 besides those held out) than features (5): ",
            "compare wide --target y --validation 0.5 --epochs 2",
            "compare wide --target y --validation 0.5 --epochs 2 --l2 1"),
        row(
            Warning.F32_STEPS,
            "column 't' is between 1.00000000e+09 and 1.00000000e+09, where f32 has steps of 64.0; ",
            "train times --target y --dtype f32",
            "train times --target y --dtype f64"),
        row(
            Warning.F32_ZEROS,
            "; by column: ['s (19)']; consider --dtype f64",
            "train small --target y --dtype f32",
            "train small --target y --dtype f64"),
        row(
            Warning.F32_ZEROS,
            "; by column: ['s (19)']; consider --dtype f64",
            "convert small OUT --target y",
            "convert small OUT --target y --features a"),
        row(
            Warning.F32_FILE,
            "columns vary by few steps of f32: ['t']; ",
            "convert times OUT --target y",
            "convert times OUT --target y --dtype f64"),
        row(
            Warning.CONSTANT,
            "constant columns carry no information and get coefficient 0: ['k']",
            "train noise --target y",
            "train noise --target y --no-intercept"),
        row(
            Warning.CONSTANT,
            "constant columns carry no information and get coefficient 0: ['k']",
            "path noise --target y --penalty l1",
            "path noise --target y --penalty l1 --features a,b"),
        row(
            Warning.CONSTANT,
            "constant columns carry no information and get coefficient 0: ['k']",
            "compare noise --target y --epochs 2",
            "compare times --target y --epochs 2"),
        row(
            Warning.DEPENDENT,
            "feature 'b' is a combination of ['a'] and a constant as far as rounding tells; other coefficients give the same loss, and these are the smallest",
            "train copies --target y",
            "train copies --target y --l2 0.1"),
        row(
            Warning.DEPENDENT,
            "feature 'b' is a combination of others as far as rounding tells; other coefficients give the same loss",
            "train copies --target y --optimizer cg",
            "train copies --target y --optimizer cg --l2 0.1"),
        row(
            Warning.DEPENDENT,
            "is a combination of ['a'] and a constant as far as rounding tells; other coefficients give the same loss",
            "train copies --target y --loss quantile:0.5",
            "train copies --target y --loss quantile:0.5 --features a"),
        row(
            Warning.ONE_CLASS,
            "all training rows are of one class: ",
            "train one --target y --loss logistic",
            "train mixed --target y --loss logistic"),
        row(
            Warning.SEPARABLE,
            "the classes are separable: ",
            "train apart --target y --loss logistic",
            "train apart --target y --loss logistic --l2 0.1"),
        row(
            Warning.SEPARABLE,
            "the classes are separable: ",
            "train one --target y --loss logistic --no-intercept",
            "train mixed --target y --loss logistic --no-intercept"),
        row(
            Warning.SEPARABLE,
            "the classes are separable: ",
            "train apart --target y --loss logistic --optimizer adam",
            "train apart --target y --loss logistic --optimizer adam --weight-decay 0.1"),
        row(
            Warning.CONSTANT_TARGET,
            "target 'k' is constant on the training rows: R2 is undefined",
            "train noise --target k --optimizer adam --learning-rate 0.1",
            "train noise --target a"),
        row(
            Warning.CONSTANT_TARGET,
            "a target of ['a', 'k'] is constant on the training rows: R2 is undefined",
            "train noise --target a,k",
            "train noise --target a,b"),
        row(
            Warning.ILL_CONDITIONED,
            "the problem is ill-conditioned: X^T X has condition number ",
            "train near --target y --optimizer adam",
            "train near --target y --optimizer cg"),
        row(
            Warning.STEPS_TO_THE_END,
            "above its minimum: adam stops after --epochs; --optimizer auto ends there by itself",
            "train mixed --target y --loss logistic --optimizer adam",
            "train mixed --target y --loss logistic"),
        row(
            Warning.STEPS_TO_THE_END,
            "how far the loss is above its minimum is not known: adam stops by --patience; --optimizer auto without options for steps ends there by itself",
            "train mixed --target y --loss logistic --batch-size 4 --learning-rate 1e-9 --patience 2 --tolerance 0.1",
            "train mixed --target y --loss logistic --patience 2"),
        row(
            Warning.STEPS_TO_THE_END,
            "how far the loss is above its minimum is not known: adam stops after --epochs; no method that ends there by itself",
            "train noise --target y --loss quantile:0.5 --l2 0.1",
            "train noise --target y --loss quantile:0.5"),
        row(
            Warning.NO_MINIMUM,
            "the loss has no minimum: some coefficients grow",
            "train zeros --target y --loss poisson",
            "train zeros --target y --loss poisson --l2 0.1"),
        row(
            Warning.NO_BOUND,
            "how far the loss is above its minimum is not known: the smallest curvature",
            "train many --target y --optimizer cg",
            "train many --target y --optimizer cg --l2 0.1"),
        row(
            Warning.NO_BOUND,
            "it may be farther than the curvature of the loss is known; --dtype f64 has more digits",
            "train copies --target y --loss huber:10 --l1 0.01 --dtype f32",
            "train copies --target y --loss huber:10 --l1 0.01"),
        row(
            Warning.ROUNDING,
            "rounding leaves the loss up to ",
            "train far --target y",
            "train far --target y --features a"),
        row(
            Warning.ROUNDING,
            "above its minimum: rows are f32; --dtype f64 has more digits",
            "train noise --target y --loss huber:10 --dtype f32",
            "train noise --target y --loss huber:10 --dtype f64"),
        row(
            Warning.UNFINISHED,
            "lbfgs has not converged in 1 epochs: give more --epochs, or add --l2",
            "train mixed --target y --loss logistic --epochs 1",
            "train mixed --target y --loss logistic"),
        row(
            Warning.NO_PROGRESS,
            "stopped: no progress; coefficients may have fewer digits than are printed",
            "train moved --target y --loss huber:0.1 --no-standardize --dtype f32",
            "train moved --target y --loss huber:0.1 --no-standardize"),
        row(
            Warning.NO_AVERAGE,
            "--average mean:100: there were 20 steps",
            "train noise --target y --epochs 20 --average mean:100",
            "train noise --target y --epochs 20 --average mean:10"),
        row(
            Warning.POOR_STEPS,
            "the model is worse than a constant (R2 -",
            "train noise --target y --epochs 1 --optimizer adam --no-standardize",
            "train noise --target y --epochs 1 --optimizer cg --no-standardize"),
        row(
            Warning.POOR_STEPS,
            "): train longer; --optimizer auto without options for steps trains to the end",
            "train noise --target y --epochs 1 --learning-rate auto --no-standardize",
            "train noise --target y"),
        row(
            Warning.POOR_END,
            "; it ended before the minimum",
            "train noise --target y --features a,b --epochs 1 --no-intercept --optimizer lbfgs",
            "train noise --target y --features a,b --epochs 1 --optimizer lbfgs"),
        row(
            Warning.POOR_CHOICE,
            ", and was chosen by the rows held out; ",
            "train odd --target y --optimizer adam --no-standardize --validation 0.1",
            "train odd --target y --optimizer adam --no-standardize --validation 0.1 --keep last"),
        row(
            Warning.POOR_ORIGIN,
            "the model is worse than a constant (R2 -",
            "train noise --target y --features a,b --no-intercept",
            "train noise --target y --features a,b"),
        row(
            Warning.POOR_MINIMUM,
            "the model is worse than a constant (R2 -",
            "train skewed --target y --loss huber:0.1",
            "train skewed --target y"),
        row(
            Warning.UNFINISHED_PATH,
            " models have not converged",
            "path near --target y --penalty l1 --ratio 1e-10",
            "path near --target y --penalty l1 --ratio 1e-2"));
  }

  /** The tables, by name: header, number of rows, and what a row holds. */
  private static String table(String name) {
    return switch (name) {
      case "wide" ->
          csv(
              "a,b,c,d,e,y",
              8,
              i -> cells(i, i * i, noise(i, 1), noise(i, 2), noise(i, 3), noise(i, 4)));
      case "small" -> csv("a,s,y", 20, i -> cells(noise(i, 1), 1e-40 * i, noise(i, 2)));
      case "times" -> csv("t,y", 20, i -> "%d,%d".formatted(1_000_000_000 + i, i % 7));
      case "noise" -> csv("a,b,k,y", 20, i -> cells(noise(i, 1), noise(i, 2), 3, 9 + noise(i, 3)));
      case "copies" -> csv("a,b,y", 20, i -> cells(noise(i, 1), 2 * noise(i, 1) + 1, noise(i, 3)));
      case "one" -> csv("a,y", 20, i -> cells(5 + noise(i, 1), 1));
      case "apart" -> csv("a,y", 20, i -> cells(i, i < 10 ? 0 : 1));
      case "mixed" -> csv("a,y", 20, i -> cells(i, i % 3 % 2));
      case "near" ->
          csv("a,b,y", 20, i -> cells(noise(i, 1), noise(i, 1) + 1e-4 * noise(i, 2), noise(i, 3)));
      case "zeros" -> csv("g,y", 20, i -> cells(i % 2, i % 2 == 0 ? 0 : i % 4));
      case "many" ->
          csv(
              IntStream.range(0, 513).mapToObj(f -> "x" + f).collect(Collectors.joining(","))
                  + ",y",
              6,
              i -> cells(noise(i, 1)) + ",0".repeat(512) + "," + noise(i, 2));
      case "far" -> csv("a,t,y", 20, i -> cells(noise(i, 1), 1e15 + i, i + noise(i, 2)));
      case "moved" -> csv("a,b,y", 20, i -> cells(1e8 + i, 1e-5 * noise(i, 1), i % 4));
      // Of 20 rows, seed 0 holds out those with the numbers 1 and 17.
      case "odd" ->
          csv("a,y", 20, i -> cells(noise(i, 1), i == 1 || i == 17 ? 0 : 10 + noise(i, 2)));
      case "skewed" -> csv("a,y", 20, i -> cells(i, Math.exp(3 * noise(i, 1))));
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static String csv(String header, int rows, IntFunction<String> row) {
    return IntStream.range(0, rows)
        .mapToObj(row)
        .collect(Collectors.joining("\n", header + "\n", "\n"));
  }

  private static String cells(double... values) {
    return Arrays.stream(values).mapToObj(Double::toString).collect(Collectors.joining(","));
  }

  /** A number in [-1, 1) that nothing tells. */
  private static double noise(int row, int column) {
    return 2 * ((row * 0.618033988749895 * column + row * row * 0.414213562373095) % 1) - 1;
  }

  /** The warnings of a command whose second word is a table. */
  private static List<String> warnings(String line) throws IOException {
    String[] words = line.split(" ", -1);
    Path data = folder.resolve(words[1] + ".csv");
    if (!Files.exists(data)) {
      Files.writeString(data, table(words[1]));
    }
    words[1] = data.toString();
    if (words[2].equals("OUT")) {
      words[2] = folder.resolve("out.safetensors").toString();
    }
    Cli run = Cli.run(words).exits(Cli.DONE);
    assertFalse(run.out().contains("NaN"), () -> line + ": " + run.out());
    return run.err()
        .lines()
        .filter(text -> text.startsWith(PREFIX))
        .map(text -> text.substring(PREFIX.length()))
        .toList();
  }

  /** What a warning's format prints, whatever its values are. */
  private static Pattern pattern(Warning warning) {
    return Pattern.compile(
        Arrays.stream(warning.format().split("%[,.0-9]*[a-z]", -1))
            .map(Pattern::quote)
            .collect(Collectors.joining(".*")));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void isPrintedThereAndNotNear(Row row) throws IOException {
    List<String> there = warnings(row.there);
    List<String> found = there.stream().filter(text -> text.contains(row.words)).toList();
    assertEquals(1, found.size(), () -> row.there + ": " + there);
    assertTrue(pattern(row.warning).matcher(found.getFirst()).matches(), found::getFirst);
    List<String> near = warnings(row.near);
    assertTrue(
        near.stream().noneMatch(text -> pattern(row.warning).matcher(text).matches()),
        () -> row.near + ": " + near);
  }

  /** The squared error with a measure that fails: the program's own fail beyond 1 GiB alone. */
  private record OwnMeasure(boolean fails) implements Loss {
    @Override
    public String name() {
      return "own";
    }

    @Override
    public double differentiate(double[] z, double[] y, double[] s, int count) {
      return new Squared().differentiate(z, y, s, count);
    }

    @Override
    public double curvature() {
      return 2;
    }

    @Override
    public void describeFit(Metrics metrics) {
      metrics.mean("bad", (z, y) -> Objects.checkIndex(fails ? 1 : 0, 1));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void measuresThatFail(boolean fails) {
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (Backend backend = Backends.open("scalar", BackendOptions.defaults());
        TensorArena arena = TensorArena.open("failing measure")) {
      System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
      Dataset data = Datasets.plane(arena, DType.F64, 3, 30, 2, 1, 0.5);
      Trainer trainer = Trainer.automatic().loss(new OwnMeasure(fails)).certify();
      Warnings.print(
          trainer.fit(data, backend),
          new TrainingOptions(),
          new Warnings.Ended(MethodName.LBFGS, false, null, List.of(), false));
    } finally {
      System.setErr(err);
    }
    String expected =
        fails ? PREFIX + "bad is not known: Index 1 out of bounds for length 1\n" : "";
    assertEquals(expected, printed.toString(StandardCharsets.UTF_8));
  }

  @Test
  void allHaveRows() {
    EnumSet<Warning> missing = EnumSet.complementOf(EnumSet.of(Warning.METRIC));
    rows().forEach(row -> missing.remove(row.warning));
    assertEquals(EnumSet.noneOf(Warning.class), missing);
  }
}
