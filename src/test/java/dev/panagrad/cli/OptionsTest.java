package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every option is accepted, has an effect, and refuses values that make no sense. */
class OptionsTest {
  @TempDir private Path folder;
  private Path data;

  @BeforeEach
  void writeData() {
    data = SmallData.write(folder);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--features a,b",
        "--features 1,2",
        "--optimizer gd",
        "--optimizer sgd",
        "--optimizer adam",
        "--optimizer adamw",
        "--optimizer rmsprop",
        "--optimizer ADAM",
        "--learning-rate 0.05",
        "--schedule constant",
        "--schedule step:500,0.3",
        "--schedule exponential:0.999",
        "--schedule inverse:0.01",
        "--schedule linear:100,0.1,1",
        "--schedule warmup:100",
        "--schedule cosine:30e,1e-5",
        "--schedule restarts:1000,2",
        "--schedule polynomial:3000,2",
        "--schedule onecycle:3000",
        "--schedule warmup:100+cosine:3000",
        "--optimizer sgd --momentum 0.9",
        "--optimizer sgd --momentum 0.9 --nesterov",
        "--optimizer sgd --momentum 0.9 --dampening 0.1",
        "--optimizer rmsprop --momentum 0.9",
        "--beta1 0.8",
        "--beta2 0.99",
        "--epsilon 1e-6",
        "--optimizer rmsprop --alpha 0.9",
        "--optimizer rmsprop --centered",
        "--amsgrad",
        "--state same --dtype f64",
        "--state bf16",
        "--state 8BIT",
        "--weight-decay 0.01",
        "--optimizer adamw --weight-decay 0.1",
        "--l1 0.01",
        "--l2 0.01",
        "--clip-norm 1",
        "--clip-value 0.5",
        "--batch-size 4",
        "--batch-size 12",
        "--batch-size full",
        "--optimizer gd --batch-size full",
        "--gram",
        "--gram --optimizer gd",
        "--gram --batch-size full --validation 0.25",
        "--gram --no-intercept --l1 0.01 --l2 0.01 --dtype f64",
        "--tolerance 1e-6",
        "--patience 1",
        "--tolerance 1e-6 --patience 3",
        "--validation 0.25",
        "--no-intercept",
        "--no-standardize",
        "--no-shuffle",
        "--dtype f32",
        "--dtype f64",
        "--dtype F64",
        "--seed 42",
        "--seed -9223372036854775808",
        "--backend auto",
        "--backend scalar",
        "--backend simd",
        "--backend SIMD",
        "--threads 1",
        "--threads 3",
        "--debug",
        "--json",
        "--quiet",
      })
  void isAccepted(String options) {
    Cli.train(data, "--target y --epochs 2 " + options).exits(Cli.DONE);
  }

  /** An option that is read and forgotten would leave the coefficients as they are. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          gd                               | --learning-rate 0.05
          gd                               | --schedule exponential:0.5
          gd                               | --epochs 6
          gd                               | --no-intercept
          gd                               | --no-standardize
          gd                               | --dtype f64
          gd                               | --validation 0.25
          gd                               | --l1 0.1
          gd                               | --l2 0.1
          gd                               | --clip-norm 0.1
          gd                               | --clip-value 0.1
          sgd                              | --batch-size 4
          sgd                              | --momentum 0.9
          sgd                              | --weight-decay 0.1
          sgd --momentum 0.9               | --nesterov
          sgd --momentum 0.9               | --dampening 0.5
          sgd --batch-size 4               | --seed 1
          sgd --batch-size 4               | --no-shuffle
          adam                             | --beta1 0.5
          adam                             | --beta2 0.5
          adam                             | --epsilon 0.1
          adam                             | --weight-decay 0.1
          adam --beta2 0.5 --batch-size 3  | --amsgrad
          adamw                            | --weight-decay 0.1
          adam                             | --state bf16
          adam                             | --state 8bit
          rmsprop                          | --alpha 0.5
          rmsprop                          | --epsilon 0.1
          rmsprop                          | --centered
          rmsprop                          | --momentum 0.9
          rmsprop                          | --weight-decay 0.1
          """)
  void hasEffect(String base, String option) throws IOException {
    String common = "--target y --json --quiet --optimizer " + base;
    String epochs = option.startsWith("--epochs") ? "" : " --epochs 5";
    String without = Cli.train(data, common + " --epochs 5").json().get("coefficients").toString();
    String with =
        Cli.train(data, common + epochs + " " + option).json().get("coefficients").toString();
    assertNotEquals(without, with);
  }

  @ParameterizedTest
  @CsvSource({"--tolerance 0.5", "--patience 2 --tolerance 0.5"})
  void stopsEarly(String options) throws IOException {
    var json = Cli.train(data, "--target y --json --optimizer adam --epochs 500 " + options).json();
    assertTrue(json.get("epochs").asLong() < 500, json::toString);
  }

  @Test
  void stepsAreBatchesTimesEpochs() throws IOException {
    var json = Cli.train(data, "--target y --json --epochs 3 --batch-size 5").json();
    assertEquals(3, json.get("epochs").asLong());
    assertEquals(9, json.get("steps").asLong(), "12 rows make batches of 5, 5 and 2");
  }

  /** More rows than a batch has by default. */
  @Test
  void gramTakesFullBatches() throws IOException {
    String line = " --target progression --json --quiet --optimizer adam --epochs 3";
    Path sample = Path.of("sample:diabetes");
    assertEquals(42, Cli.train(sample, line.strip()).json().get("steps").asLong());
    assertEquals(3, Cli.train(sample, line.strip() + " --gram").json().get("steps").asLong());
  }

  /** The value that was found, and words that name the option. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --epochs 0                              | epochs          | 0
          --epochs -3                             | epochs          | -3
          --learning-rate -0.5                    | learning rate   | -0.5
          --learning-rate 0                       | learning rate   | 0
          --learning-rate NaN                     | learning rate   | NaN
          --learning-rate Infinity                | learning rate   | Infinity
          --beta1 1                               | beta1           | 1
          --beta1 -0.1                            | beta1           | -0.1
          --beta2 1                               | beta2           | 1
          --epsilon -1                            | epsilon         | -1
          --optimizer rmsprop --alpha 1.5         | alpha           | 1.5
          --optimizer sgd --momentum 1.5          | momentum        | 1.5
          --weight-decay -2                       | weight decay    | -2
          --l1 -2                                 | l1              | -2
          --l2 -2                                 | l2              | -2
          --clip-norm -2                          | norm            | -2
          --clip-value 0                          | value           | 0
          --batch-size 0                          | --batch-size    | 0
          --batch-size half                       | --batch-size    | half
          --validation 1                          | validation      | 1
          --validation -0.5                       | validation      | -0.5
          --patience 0                            | patience        | 0
          --tolerance -2                          | tolerance       | -2
          --threads 0                             | threads         | 0
          --schedule sawtooth:3                   | cosine          | sawtooth
          --schedule step:5                       | schedule        | step:5
          --schedule cosine:soon                  | schedule        | soon
          --schedule cosine:0                     | schedule        | cosine:0
          --schedule exponential:x                | schedule        | x
          --schedule constant+cosine:3            | schedule        | constant
          --optimizer gd --batch-size 4           | full            | 4
          --gram --batch-size 4                   | all rows        | --batch-size 4
          --gram --optimizer gd --batch-size 4    | all rows        | --batch-size 4
          --optimizer gd --momentum 0.9           | gd              | --momentum
          --optimizer sgd --beta1 0.8 --centered  | sgd             | --beta1, --centered
          --state int8                            | --state         | int8
          --state bf16 --dtype f64                | --dtype f32     | f64
          --optimizer rmsprop --centered --state 8bit | centring    | --state 8bit
          """)
  void senselessValueIsUsageError(String options, String name, String found) {
    String epochs = options.startsWith("--epochs") ? "" : "--epochs 2 ";
    String line = Cli.train(data, "--target y --quiet " + epochs + options).failure(Cli.USAGE);
    Cli.assertContains(line, name, found);
  }

  /** There are no data: nothing is read before. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --optimizer lbfgs --loss quantile:0.5                     | smooth
          --optimizer cg --loss logistic                            | square
          --optimizer lbfgs --l1 0.1                                | L1
          --optimizer sgd --learning-rate auto --loss poisson       | curvature
          --loss squared --class-weights 1,2                        | logistic
          --gram --loss logistic                                    | Gram
          --gram --offset w                                        | --gram
          --optimizer gd --batch-size 1000000                       | full batches
          --optimizer fista --batch-size 12                         | full batches
          --resume                                                  | --checkpoint
          --loss huber:-1                                           | huber
          --loss quantile:2                                         | quantile
          """)
  void conflictsAreSeenBeforeDataAreRead(String options, String found) {
    Path nowhere = folder.resolve("nowhere.csv");
    Cli.assertContains(
        Cli.train(nowhere, "--target y --quiet " + options).failure(Cli.USAGE), found);
    Cli.train(nowhere, "--target y --quiet").exits(Cli.FAILED);
  }

  @Test
  void meanThatNeverBegins() {
    String line = "--target y --quiet --epochs 3 --average mean:";
    Cli.assertContains(Cli.train(data, line + 4).exits(Cli.DONE).err(), "there were 3 steps");
    assertFalse(Cli.train(data, line + 3).exits(Cli.DONE).err().contains("--average"));
  }

  @Test
  void nesterovNeedsMomentum() {
    String line =
        Cli.train(data, "--target y --quiet --optimizer sgd --nesterov").failure(Cli.USAGE);
    Cli.assertContains(line.toLowerCase(Locale.ROOT), "nesterov", "momentum");
  }

  /** What the parser refuses. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          train %s                                  | --target
          train --target y                          | DATA
          train %s --target y --optimizer newton    | newton
          train %s --target y --dtype f16           | f16
          train %s --target y --epochs many         | many
          train %s --target y --seed 1.5            | 1.5
          train %s --target y --learning-rate fast  | fast
          train %s --target y --learnig-rate 1      | --learnig-rate
          train %s --target y --patience            | --patience
          compare %s                                | --target
          trian %s --target y                       | trian
          backends now                              | now
          """)
  void unparsableIsUsageError(String line, String found) {
    Cli run = Cli.run(line, data).exits(Cli.USAGE);
    Cli.assertContains(run.err().lines().findFirst().orElse(""), found);
    assertEquals("", run.out());
  }

  /** The spelling of an earlier release is accepted; others are told what there is. */
  @Test
  void unitsOfConvertedRows() {
    String line = "convert %s " + folder.resolve("rows.safetensors") + " --target y --units ";
    Cli.run(line + "standardised", data).exits(Cli.DONE);
    Cli.run(line + "Standardized", data).exits(Cli.DONE);
    Cli run = Cli.run(line + "metric", data).exits(Cli.USAGE);
    Cli.assertContains(run.err(), "expected standardized, scaled or raw, found 'metric'");
  }

  @Test
  void wrongNameOfOptimizerListsThem() {
    Cli run = Cli.train(data, "--target y --optimizer newton").exits(Cli.USAGE);
    Cli.assertContains(run.err().toLowerCase(Locale.ROOT), "gd", "sgd", "adam", "adamw", "rmsprop");
  }

  @Test
  void usageErrorIsOneLine() {
    Cli.assertContains(Cli.train(data, "--epochs 2").failure(Cli.USAGE), "--target");
  }

  @Test
  void commandIsNeeded() {
    Cli run = Cli.run().exits(Cli.USAGE);
    Cli.assertContains(run.err(), "train", "compare", "backends");
  }

  @Test
  void helpBeforeACommandIsOfAll() {
    Cli run = Cli.run("--help", "train").exits(Cli.DONE);
    Cli.assertContains(run.out(), "train", "compare", "backends");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"--help", "train --help", "compare --help", "backends --help", "path --help"})
  void helpIsDone(String line) {
    Cli run = Cli.run(line, data).exits(Cli.DONE);
    Cli.assertContains(run.out(), "Usage: panagrad");
    assertEquals("", run.err());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--target",
        "--features",
        "--optimizer",
        "--learning-rate",
        "--schedule",
        "--momentum",
        "--nesterov",
        "--beta1",
        "--beta2",
        "--epsilon",
        "--alpha",
        "--centered",
        "--amsgrad",
        "--weight-decay",
        "--l1",
        "--l2",
        "--clip-norm",
        "--clip-value",
        "--batch-size",
        "--gram",
        "--epochs",
        "--tolerance",
        "--patience",
        "--validation",
        "--no-intercept",
        "--no-standardize",
        "--dtype",
        "--seed",
        "--backend",
        "--threads",
        "--log",
        "--json",
        "--quiet",
        "--debug",
      })
  void isInHelp(String option) {
    String help = Cli.run("train", "--help").out();
    assertTrue(help.matches("(?s).*\\s" + option + "[=\\s\\[].*"), help);
  }

  @Test
  void versionIsDone() {
    Cli.assertContains(Cli.run("--version").exits(Cli.DONE).out(), "panagrad 0.");
  }

  @Test
  void unitsAreNamedWhereTheyAreWrong() {
    String failure =
        Cli.run("convert", "a.csv", "b.safetensors", "--target", "y", "--units", "metres")
            .failure(Cli.USAGE);
    Cli.assertContains(failure, "--units", "expected standardized, scaled or raw, found 'metres'");
  }
}
