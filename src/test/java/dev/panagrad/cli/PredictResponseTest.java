package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code predict} by models of losses with a link, and with offsets. */
class PredictResponseTest {
  private static final int ROWS = 60;

  @TempDir private Path folder;
  private Path data;
  private Path model;
  private final double[][] rows = new double[ROWS][2];
  private final double[] logExposure = new double[ROWS];

  /** Features a and b, a class, a count with a known exposure, and a value. */
  @BeforeEach
  void write() {
    model = folder.resolve("model.safetensors");
    Random random = new Random(3);
    StringBuilder text = new StringBuilder("a,b,class,count,value,exposure\n");
    for (int i = 0; i < ROWS; i++) {
      rows[i][0] = random.nextGaussian();
      rows[i][1] = 5 + 2 * random.nextGaussian();
      logExposure[i] = random.nextGaussian();
      double z = rows[i][0] - 0.3 * rows[i][1] + 1.5;
      int isOne = random.nextDouble() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
      long count = Math.round(Math.exp(z + logExposure[i]));
      text.append(
          String.format(
              Locale.ROOT,
              "%s,%s,%d,%d,%s,%s%n",
              rows[i][0],
              rows[i][1],
              isOne,
              count,
              z,
              logExposure[i]));
    }
    data = SmallData.write(folder, text.toString());
  }

  /** Trains, and gives the coefficients b0, wa, wb that were printed. */
  private double[] train(String options) throws IOException {
    JsonNode json =
        Cli.train(
                data,
                "--features a,b --dtype f64 --json --quiet --epochs 40 --save "
                    + model
                    + " "
                    + options)
            .json();
    double[] w = Cli.numbers(json.get("coefficients").get(0));
    return new double[] {Cli.numbers(json.get("intercept"))[0], w[0], w[1]};
  }

  private List<String> predict(String... options) {
    return run(options).exits(Cli.DONE).out().lines().toList();
  }

  private Cli run(String... options) {
    String line = "predict %s --model " + model;
    return Cli.run(line, data, options);
  }

  private void requireLines(
      String header, double[] w, boolean isOffset, DoubleUnaryOperator mean, List<String> lines) {
    assertEquals(header, lines.getFirst());
    assertEquals(ROWS + 1, lines.size());
    for (int i = 0; i < ROWS; i++) {
      double z = w[0] + w[1] * rows[i][0] + w[2] * rows[i][1] + (isOffset ? logExposure[i] : 0);
      double expected = mean.applyAsDouble(z);
      assertEquals(
          expected, Double.parseDouble(lines.get(i + 1)), 1e-12 * (1 + Math.abs(expected)));
    }
  }

  @Test
  void probabilities() throws IOException {
    double[] w = train("--target class --loss logistic");
    assertEquals(new Logistic(), ModelFile.load(model).loss());
    requireLines("probability of class", w, false, z -> 1 / (1 + Math.exp(-z)), predict());
    requireLines("linear predictor of class", w, false, z -> z, predict("--linear"));
  }

  @Test
  void expectedCounts() throws IOException {
    double[] w = train("--target count --loss poisson --offset exposure --learning-rate 0.03");
    assertEquals(new Poisson(), ModelFile.load(model).loss());
    assertTrue(ModelFile.load(model).hasOffset());
    Cli.assertContains(
        run().failure(Cli.USAGE), "was trained with offsets: name their column by --offset");
    requireLines("expected count", w, true, Math::exp, predict("--offset", "exposure"));
    requireLines("expected count", w, true, Math::exp, predict("--offset", "6"));
    requireLines(
        "linear predictor of count", w, true, z -> z, predict("--linear", "--offset", "exposure"));
  }

  @Test
  void valuesHaveNoLink() throws IOException {
    train("--target value");
    assertEquals(new Squared(), ModelFile.load(model).loss());
    train("--target value --loss quantile:0.9");
    assertEquals(new Quantile(0.9), ModelFile.load(model).loss());
    double[] w = train("--target value --loss Huber:1.35");
    assertEquals(new Huber(1.35), ModelFile.load(model).loss());
    requireLines("value", w, false, z -> z, predict());
    requireLines("value", w, false, z -> z, predict("--linear"));
    requireLines("value", w, true, z -> z, predict("--offset", "exposure"));
  }

  @Test
  void extremesAreNumbers() throws IOException {
    ModelFile.save(
        new LinearModel(List.of("a"), List.of("y"), new double[][] {{0}}, new double[] {1000})
            .withLoss(new Logistic()),
        model);
    assertEquals("1.0", predict().get(1));
    ModelFile.save(
        new LinearModel(List.of("a"), List.of("y"), new double[][] {{0}}, new double[] {-1000})
            .withLoss(new Logistic()),
        model);
    assertEquals("0.0", predict().get(1));
  }

  @Test
  void modelsOfNothing() throws IOException {
    ModelFile.save(
        new LinearModel(List.of(), List.of("y"), new double[1][0], new double[1])
            .withLoss(new Logistic()),
        model);
    Cli.assertContains(failure(), "has no features", "[0.5] for every row");
    Cli.assertContains(failure("--linear"), "[0.0] for every row");
  }

  @Test
  void offsetsThatAreNone() throws IOException {
    train("--target count --loss poisson");
    Cli.assertContains(
        failure("--offset", "exposures"),
        "there is no offset 'exposures'; did you mean 'exposure'");
    Cli.assertContains(failure("--offset", "b"), "column 'b' is chosen as an offset and a feature");
    Cli.assertContains(failure("--offset", "7"), "there is no column 7; there are 6");
  }

  private String failure(String... options) {
    return run(options).failure(Cli.FAILED);
  }

  @Test
  void helpSaysWhatIsPrinted() {
    String help = Cli.run("predict", "--help").exits(Cli.DONE).out().replaceAll("\\s+", " ");
    Cli.assertContains(help, "the probability of 1 for --loss logistic", "--linear", "--offset");
    assertTrue(help.contains("expected count"));
  }

  @Test
  void lossesThatAreNone() {
    for (List<String> each :
        List.of(
            List.of("hinge", "--loss hinge: must be squared, huber:DELTA"),
            List.of("huber", "--loss huber: huber needs a number, such as huber:1.5"),
            List.of("huber:x", "--loss huber:x: huber needs a number"),
            List.of("poisson:2", "--loss poisson:2: poisson takes no number"),
            List.of("quantile:2", "--loss quantile:2: tau must be in"))) {
      Cli.assertContains(
          Cli.train(data, "--target value --loss " + each.get(0)).failure(Cli.USAGE), each.get(1));
    }
  }
}
