package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code tune}: what it suggests runs as printed, and is not worse than the defaults. */
class TuneCommandTest {
  @TempDir private Path folder;
  private Path data;

  @BeforeEach
  void writeData() {
    data = SmallData.write(folder);
  }

  private static Path resource(String name) {
    return Path.of("src/test/resources/data", name);
  }

  private static double mse(String... train) throws IOException {
    List<String> arguments = new ArrayList<>(List.of(train));
    arguments.addAll(List.of("--json", "--quiet"));
    return Cli.run(arguments.toArray(String[]::new)).json().get("mse").doubleValue();
  }

  /** The suggestion and the defaults, trained by {@code train}, not by the tuner. */
  @ParameterizedTest
  @CsvSource({
    "diabetes.csv, progression, gd, 100",
    "diabetes.csv, progression, sgd, 100",
    "diabetes.csv, progression, adam, 100",
    "diabetes.csv, progression, rmsprop, 100",
    "randhie.csv, mdvis, gd, 20",
    "randhie.csv, mdvis, sgd, 8",
    "randhie.csv, mdvis, adam, 8",
    "randhie.csv, mdvis, rmsprop, 8",
  })
  void suggestionIsNotWorseThanTheDefaults(
      String file, String target, String optimizer, String epochs) throws IOException {
    String[] common = {
      resource(file).toString(), "--target", target, "--optimizer", optimizer, "--epochs", epochs
    };
    JsonNode tuned =
        Cli.run(concat(new String[] {"tune", "--json"}, common)).exits(Cli.DONE).json();
    String[] arguments = Cli.strings(tuned.get("arguments")).toArray(String[]::new);
    double suggested = mse(arguments);
    double byDefault = mse(concat(new String[] {"train"}, common));
    assertTrue(suggested < byDefault, optimizer + ": " + suggested + ", default " + byDefault);
    // The same training twice: the same bits.
    assertEquals(tuned.get("suggested").get("mse").doubleValue(), suggested);
    assertEquals(tuned.get("defaultMse").doubleValue(), byDefault);
    assertTrue(
        Arrays.asList(arguments).containsAll(List.of("--epochs", epochs, "--target", target)));
  }

  /** The defaults that it compares with are those of {@code train}, for every rule. */
  @ParameterizedTest
  @ValueSource(strings = {"gd", "sgd", "adam", "adamw", "rmsprop", "lion", "nadam", "adagrad"})
  void sameAsTrain(String optimizer) throws IOException {
    String[] common = {
      data.toString(),
      "--target",
      "y,z",
      "--features",
      "a,c",
      "--optimizer",
      optimizer,
      "--epochs",
      "6",
      "--seed",
      "5",
      "--dtype",
      "f64"
    };
    JsonNode tuned = Cli.run(concat(new String[] {"tune", "--json"}, common)).json();
    assertEquals(
        mse(concat(new String[] {"train"}, common)), tuned.get("defaultMse").doubleValue());
    String[] arguments = Cli.strings(tuned.get("arguments")).toArray(String[]::new);
    assertEquals(mse(arguments), tuned.get("suggested").get("mse").doubleValue());
  }

  private static String[] concat(String[] first, String[] second) {
    List<String> all = new ArrayList<>(List.of(first));
    all.addAll(List.of(second));
    return all.toArray(String[]::new);
  }

  /** A shell reads the printed line, with names that it would take apart. */
  @Test
  void printedLineRuns() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")));
    Path odd = folder.resolve("odd name $HOME 'q'.csv");
    Files.writeString(odd, Files.readString(data).replace("a,b,c,y,z", "a b,it's,$c;,*,z"));
    Cli run =
        Cli.run(
            "tune",
            odd.toString(),
            "--target=*",
            "--features",
            "a b,it's,$c;",
            "--threads=1",
            "--epochs",
            "7",
            "--backend",
            "scalar");
    run.exits(Cli.DONE);
    String line = run.out().lines().toList().getLast();
    assertTrue(line.startsWith("panagrad train "), line);
    String[] words = words(line);
    assertEquals(odd.toString(), words[1]);
    assertEquals("a b,it's,$c;", words[Arrays.asList(words).indexOf("--features") + 1]);
    assertEquals("scalar", words[Arrays.asList(words).indexOf("--backend") + 1]);
    Cli.run(words).exits(Cli.DONE);
  }

  /** The arguments that a shell gives the program. */
  private static String[] words(String line) throws IOException, InterruptedException {
    String script = "panagrad() { for w in \"$@\"; do printf '%s\\n' \"$w\"; done; }\n" + line;
    Process shell = new ProcessBuilder("/bin/sh", "-c", script).redirectErrorStream(true).start();
    String out = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, shell.waitFor(), out);
    return out.lines().toArray(String[]::new);
  }

  /** A relative path that begins like an option is one for {@code train} too. */
  @ParameterizedTest
  @ValueSource(strings = {"train", "sample:diabetes"})
  void dataIsKept(String name) throws IOException {
    Path file = name.startsWith("sample") ? Path.of(name) : data;
    JsonNode tuned =
        Cli.run("tune", file.toString(), "--target", "1", "--epochs", "1", "--json").json();
    assertEquals(file.toString(), tuned.get("arguments").get(1).textValue());
  }

  @Test
  void tableAndWords() {
    Cli run = Cli.run("tune %s --target y --optimizer sgd --epochs 8", data).exits(Cli.DONE);
    Cli.assertContains(
        run.out(),
        "MSE, 2 ep.",
        "MSE, 8 ep.",
        "curvature",
        "half of divergence",
        "learning rate: in the range test the loss falls fastest at ",
        "batch size: the noise scale of gradients is ",
        "standardization: X^T X has condition number ",
        "result: ",
        "suggested:\npanagrad train ");
    assertEquals("", run.err());
    assertEquals(1, run.out().lines().filter(l -> l.endsWith(" *")).count(), run::out);
    assertFalse(run.out().contains("NaN"), run::out);
  }

  @Test
  void curveFile() throws IOException {
    Path curve = folder.resolve("curve.csv");
    Cli.run("tune %s --target y --epochs 1 --curve", data, curve.toString()).exits(Cli.DONE);
    List<String> lines = Files.readAllLines(curve);
    assertEquals("rate,smoothed_loss,loss", lines.getFirst());
    assertTrue(lines.size() > 50, "" + lines.size());
    double before = 0;
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      assertEquals(3, cells.length, line);
      assertTrue(Double.parseDouble(cells[0]) > before, line);
      assertTrue(Double.parseDouble(cells[1]) > 0 && Double.parseDouble(cells[2]) > 0, line);
      before = Double.parseDouble(cells[0]);
    }
    assertEquals(1e-6, Double.parseDouble(lines.get(1).split(",", -1)[0]), 1e-12);
  }

  @Test
  void sameSeedSameOutput() {
    String line = "tune %s --target y --epochs 6 --seed ";
    assertEquals(Cli.run(line + 1, data), Cli.run(line + 1, data));
    assertFalse(Cli.run(line + 1, data).equals(Cli.run(line + 2, data)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--epochs 0",
        "--epochs x",
        "--optimizer fista",
        "--optimizer nothing",
        "--lowest-rate 0",
        "--lowest-rate NaN",
        "--lowest-rate 20",
        "--highest-rate Infinity",
        "--dtype i64",
        "--learning-rate 0.1",
        "--threads 0",
        "--curve .",
      })
  void senselessOption(String option) {
    String line = Cli.run("tune %s --target y " + option, data).failure(Cli.USAGE);
    assertTrue(line.startsWith("panagrad: "), line);
  }

  @Test
  void noTarget() {
    Cli.assertContains(Cli.run("tune %s", data).failure(Cli.USAGE), "--target");
  }

  @Test
  void curveIsTheData() throws IOException {
    String before = Files.readString(data);
    String line = Cli.run("tune %s --target y --curve", data, data.toString()).failure(Cli.USAGE);
    Cli.assertContains(line, "is the data file");
    assertEquals(before, Files.readString(data));
    line =
        Cli.run("tune %s --target y --curve", data, folder.resolve("no/c.csv").toString())
            .failure(Cli.USAGE);
    Cli.assertContains(line, "there is no directory");
  }

  @Test
  void beginsTooHigh() {
    String line =
        Cli.run("tune %s --target y --optimizer gd --lowest-rate 100 --highest-rate 1000", data)
            .failure(Cli.FAILED);
    Cli.assertContains(line, "lowest learning rate, 100", "begin lower");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a,y;1,2;2,3|at least 8 rows",
        "a,y;1,2;2,2;3,2;4,2;5,2;6,2;7,2;8,2|target 'y' is 2.0 in all 8 rows",
        "a,y;1,2;2,NaN;3,2;4,2;5,2;6,2;7,2;8,3|NaN",
        "a,y;1,2;1,3;1,4;1,5;1,6;1,7;1,8;1,9|falls at no learning rate",
      })
  void dataThatCannotBeTuned(String text, String found) {
    SmallData.write(folder, text.replace(';', '\n') + "\n");
    Cli run = Cli.run("tune %s --target y", data).exits(Cli.FAILED);
    Cli.assertContains(run.err(), found);
    assertEquals("", run.out());
  }

  @Test
  void trainingFile() {
    Path file = folder.resolve("rows.safetensors");
    Cli.run("convert %s", data, file.toString(), "--target", "y").exits(Cli.DONE);
    Cli.assertContains(Cli.run("tune %s", file).failure(Cli.USAGE), "is a training file");
  }
}
