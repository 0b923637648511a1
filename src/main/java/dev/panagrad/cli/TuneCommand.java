package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.tune.RateCurve;
import dev.panagrad.tune.RateRangeTest;
import dev.panagrad.tune.Tuner;
import dev.panagrad.tune.Tuning;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.DoubleStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code panagrad tune}: suggests options for {@code train}, which were tried. */
@Command(
    name = "tune",
    description =
        "Suggest learning rate, batch size and schedule: a range test, the curvature of the loss and the noise of gradients name candidates, short trainings choose the best, and full ones compare them with the defaults of 'train'. Takes as many epochs as six to nine trainings.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TuneCommand implements Callable<Integer> {
  // Between the ends: 11% from one rate to the next by default.
  private static final int STEPS = 150;

  @Mixin private DataOptions data;

  @Option(
      names = "--optimizer",
      defaultValue = "adam",
      description =
          "gd, sgd, adam, adamw, rmsprop, lion, nadam or adagrad; default ${DEFAULT-VALUE}.")
  private MethodName optimizer;

  @Option(
      names = "--epochs",
      defaultValue = "100",
      paramLabel = "N",
      description = "Of the training that is tuned for; default ${DEFAULT-VALUE}.")
  private long epochs;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "N",
      description = "Default ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--lowest-rate",
      defaultValue = "1e-6",
      paramLabel = "R",
      description = "Where the range test begins; default ${DEFAULT-VALUE}.")
  private double lowestRate;

  @Option(
      names = "--highest-rate",
      defaultValue = "10",
      paramLabel = "R",
      description = "Where it ends, if the loss has not grown before; default ${DEFAULT-VALUE}.")
  private double highestRate;

  @Option(
      names = "--curve",
      paramLabel = "CURVE.csv",
      description = "Write the curve of the range test: rate, smoothed loss, loss.")
  private Path curve;

  @Mixin private BackendChoice backendChoice;

  @Option(
      names = "--json",
      description = "One JSON object on standard output, the rest on standard error.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Tuner tuner = tuner();
    if (curve != null) {
      OutputFile.requirePlace("--curve", curve, data);
    }
    data.requireTable();
    data.requireTarget();
    try (Backend backend = backendChoice.open();
        TensorArena arena = TensorArena.open("data")) {
      Dataset dataset = data.read(arena, _ -> {});
      Warnings.print(dataset, null);
      Tuning tuning = tuner.tune(dataset, backend);
      ExactLoss exact = ExactLoss.of(backend, dataset, true, null, ExactLoss.OF_A_SECOND);
      List<String> command =
          SuggestedCommand.of(tuning, spec.commandLine().getParseResult(), optimizer, seed);
      TuningReport report = new TuningReport(tuning, dataset.rows(), optimizer, exact, command);
      if (json) {
        JsonOutput.print(report.fields(backend));
      } else {
        report.print(backend);
      }
      // Last: a disk that is full does not take the result with it.
      if (curve != null) {
        OutputFile.writeCsv(curve, rows(tuning.curve()));
      }
    }
    return 0;
  }

  private Tuner tuner() {
    if (optimizer.isSolver()) {
      throw new UsageException(
          "%s has no learning rate to tune; run 'panagrad train' with --optimizer %s"
              .formatted(optimizer.text(), optimizer.text()));
    }
    try {
      return Tuner.of(optimizer.rule(optimizer.learningRate, new TrainingOptions()))
          .epochs(epochs)
          .seed(seed)
          .batchSize(TrainingOptions.DEFAULT_BATCH)
          .range(new RateRangeTest(lowestRate, highestRate, STEPS));
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }

  private static List<List<String>> rows(RateCurve curve) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("rate", "smoothed_loss", "loss"));
    for (RateCurve.Point point : curve.points()) {
      rows.add(
          DoubleStream.of(point.rate(), point.smoothed(), point.loss())
              .mapToObj(Double::toString)
              .toList());
    }
    return rows;
  }
}
