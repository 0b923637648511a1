package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Squared;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Certificate;
import dev.panagrad.train.DivergenceException;
import dev.panagrad.train.StopReason;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingFile;
import dev.panagrad.train.TrainingResult;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code panagrad train}: fits one model and compares its loss with the exact least-squares loss.
 */
@Command(
    name = "train",
    description = "Train a linear model on a file of rows.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainCommand implements Callable<Integer> {
  @Mixin private DataOptions data;

  @Option(
      names = "--optimizer",
      defaultValue = "adam",
      description =
          "gd, sgd, adam, adamw, rmsprop, lion, nadam, adagrad, or a method that takes all rows in every step: fista (also with --l1), lbfgs, cg; default ${DEFAULT-VALUE}.")
  private RuleName optimizer;

  @Mixin private TrainingOptions training;
  @Mixin private LossOptions loss;
  @Mixin private CheckpointOptions checkpoints;

  @Option(
      names = "--data-memory",
      paramLabel = "SIZE",
      description =
          "Keep at most that much of a training file in memory, for example 512m or 4g; rows are shuffled by blocks.")
  private String dataMemory;

  @Option(
      names = "--check-rows",
      description =
          "Read a training file's rows once, and compare them with their sum, before training.")
  private boolean checkRows;

  @Mixin private BackendChoice backendChoice;

  @Option(names = "--log", paramLabel = "HISTORY.csv", description = "Write one row per epoch.")
  private Path log;

  @Option(
      names = "--save",
      paramLabel = "MODEL.safetensors",
      description = "Write the model, for 'predict' and for Python.")
  private Path save;

  @Option(
      names = "--json",
      description = "One JSON object on standard output, the rest on standard error.")
  private boolean json;

  @Option(names = "--quiet", description = "No backend table and no progress.")
  private boolean quiet;

  @Override
  public Integer call() throws IOException {
    PrintStream out = json ? System.err : System.out;
    training.check(optimizer, data.dtype());
    loss.check();
    requireConsistent();
    if (dataMemory != null) {
      MemorySize.bytes("--data-memory", dataMemory);
    }
    requirePlaces();
    try (Backend backend = backendChoice.open();
        TensorArena arena = TensorArena.open("data");
        TrainingFile file = data.openTrainingFile()) {
      if (file != null && loss.isPresent()) {
        throw new UsageException(
            "--loss, --weights, --offset and --class-weights are for data that are read, and not for a training file");
      }
      LossOptions.Rows rows =
          file == null ? loss.read(data, arena) : new LossOptions.Rows(file.dataset(), null, null);
      Dataset dataset = rows.dataset();
      if (checkRows) {
        requireIntact(file);
      }
      Trainer trainer = trainer(dataset, file);
      loss.apply(trainer, rows);
      if (!quiet) {
        printData(out, backend, dataset);
      }
      // Before training, which standardizes in place. The solution is invariant to that; its units
      // are not.
      Exact exact = exact(backend, dataset, file);
      TrainingResult result;
      // Not before: until then there is nothing that a last checkpoint would save.
      try (StopSignal stop = checkpoints.isPresent() ? StopSignal.listen() : null;
          HistoryFile history = log == null ? null : new HistoryFile(log);
          Console console = new Console(out, quiet, "training", training.epochs())) {
        if (history != null) {
          trainer.listener(history);
        }
        trainer.listener(console);
        if (stop != null) {
          trainer.stopWhen(stop::isRequested);
        }
        result = file == null ? trainer.fit(dataset, backend) : trainer.fit(file, backend);
      } catch (DivergenceException e) {
        if (save == null || e.best().isEmpty()) {
          throw e;
        }
        save(e.best().get());
        System.err.println(
            "panagrad: %s; that model is saved in %s".formatted(e.message(Flags::of), save));
        return 1;
      }
      Warnings.print(result, file != null || training.isStandardized(), training);
      Warnings.printFit(result);
      Warnings.printAverage(training.firstAveraged(), result.steps());
      if (json) {
        printJson(result, backend, exact);
      } else {
        print(result, backend, exact);
      }
      // Last: a disk that is full does not take the result with it.
      return finish(result);
    }
  }

  /** Before anything is read or computed. */
  private void requireConsistent() {
    Trainer trainer = training.trainer(optimizer, 1);
    checkpoints.apply(trainer);
    loss.apply(trainer);
    trainer.plan().requireConsistent(loss.toCome());
  }

  private static void requireIntact(TrainingFile file) {
    if (file == null) {
      throw new UsageException("--check-rows is for training files");
    }
    try {
      file.requireIntactRows();
    } catch (IOException e) {
      throw new DataException(e.getMessage(), e);
    }
  }

  private Trainer trainer(Dataset dataset, TrainingFile file) {
    Trainer trainer =
        file == null
            ? training.trainer(optimizer, dataset.rows())
            : training.trainerOfFile(optimizer, dataset.rows());
    checkpoints.apply(trainer);
    trainer.certify();
    if (dataMemory != null) {
      if (file == null) {
        throw new UsageException(
            "--data-memory is for training files, which 'panagrad convert' writes");
      }
      trainer.dataMemory(MemorySize.bytes("--data-memory", dataMemory));
    }
    return trainer;
  }

  private void printData(PrintStream out, Backend backend, Dataset dataset) {
    int d = dataset.features().size();
    out.println(Backends.table(backend));
    out.printf("%ndata: %,d rows, %,d features, %s%n", dataset.rows(), d, dataset.x().dtype());
    if (training.isGram()) {
      out.printf(
          "gram: X^T X and X^T y take %,d bytes%n",
          NormalEquations.requiredBytes(d, dataset.targets().size()));
    }
  }

  private Exact exact(Backend backend, Dataset dataset, TrainingFile file) {
    if (loss.isPresent()) {
      Warnings.print(dataset);
      return new Exact(Double.NaN, Double.NaN, null);
    }
    if (file == null) {
      Warnings.print(dataset);
      return Exact.of(backend, dataset, training, null);
    }
    return dataMemory == null
        ? Exact.of(backend, dataset, training, file.standardization())
        : new Exact(Double.NaN, Double.NaN, "not all rows are in memory");
  }

  /** Before anything is read or computed. */
  private void requirePlaces() {
    if (log != null && data.isFile(log)) {
      throw new UsageException("--log " + log + " is the data file");
    }
    if (save == null) {
      return;
    }
    if (data.isFile(save) || (log != null && isSame(save, log))) {
      throw new UsageException(
          "--save " + save + " is the " + (data.isFile(save) ? "data file" : "history file"));
    }
    if (Files.exists(save) && !Files.isDirectory(save) && !Files.isRegularFile(save)) {
      throw new UsageException("--save " + save + " is not a regular file; name another one");
    }
    if (checkpoints.isFolder(save)) {
      throw new UsageException("--save " + save + " is the folder of the checkpoints; name a file");
    }
    Path folder = save.toAbsolutePath().getParent();
    if (Files.isDirectory(save) || folder == null || !Files.isDirectory(folder)) {
      throw new UsageException(
          Files.isDirectory(save)
              ? "--save " + save + " is a directory; name a file"
              : "--save " + save + ": there is no directory " + folder);
    }
  }

  static boolean isSame(Path a, Path b) {
    return a.toAbsolutePath().normalize().equals(b.toAbsolutePath().normalize());
  }

  private int finish(TrainingResult result) {
    if (result.stopReason() == StopReason.REQUEST) {
      System.err.println(
          "panagrad: stopped before its end%s; the same command with --resume goes on"
              .formatted(save == null ? "" : ", and no model was saved"));
    } else if (save != null) {
      save(result.model());
    }
    if (result.checkpointFailure() != null) {
      // Not thrown: at Ctrl-C the process ends once this is said.
      System.err.println(
          "panagrad: the last checkpoint was not written: " + result.checkpointFailure());
      return 1;
    }
    return 0;
  }

  private void save(LinearModel model) {
    try {
      ModelFile.save(model, save);
    } catch (IOException e) {
      throw new DataException(e.getMessage(), e);
    }
  }

  private String lossName() {
    return (loss.loss() == null ? new Squared() : loss.loss()).name();
  }

  private String optimizerName() {
    return optimizer.name().toLowerCase(Locale.ROOT);
  }

  private void print(TrainingResult result, Backend backend, Exact exact) {
    LinearModel model = result.model();
    PrintStream out = System.out;
    out.printf(
        "%n%s on %s (%s): %,d epochs, %,d steps, %.3f s; stopped because %s%n",
        optimizerName(),
        backend.name(),
        backend.detail(),
        result.epochs(),
        result.steps(),
        result.seconds(),
        result.stopReason().message());
    if (!Double.isNaN(result.learningRate())) {
      out.printf(
          "learning rate  %.4g%s%n",
          result.learningRate(),
          training.isRateAutomatic() ? " (from the curvature of the loss)" : "");
    }
    out.printf("passes over the rows  %,d%n", result.passes());
    if (!backend.usesHostMemory()) {
      out.printf("copied between host and device  %,d bytes%n", backend.trace().copiedBytes());
    }
    out.printf("loss (%s)  %.10g%n", loss.isPresent() ? lossName() : "MSE", result.loss());
    if (!Double.isNaN(exact.mse())) {
      out.printf(
          "exact least squares  %.10g, gap %s%s%n",
          exact.mse(), exact.gap(result.mse()), exact.note());
    } else if (exact.note() != null) {
      out.println("exact least squares  not computed: " + exact.note());
    }
    Certificate certificate = result.certificate();
    out.printf("gradient norm  %.4g (units of training)%n", certificate.gradientNorm());
    out.printf("certificate  %s%n", certificate.message());
    result.metrics().forEach((name, value) -> out.printf("%s  %.6f%n", name, value));
    if (!Double.isNaN(result.validationMse())) {
      out.printf(
          "validation %s  %.10g%n", loss.isPresent() ? "loss" : "MSE", result.validationMse());
    }
    for (int j = 0; j < model.targets().size(); j++) {
      out.printf("%ncoefficients of %s (raw units)%n", model.targets().get(j));
      if (training.hasIntercept()) {
        out.printf("  %-16s %15.8g%n", "(intercept)", model.intercept(j));
      }
      for (int f = 0; f < model.features().size(); f++) {
        out.printf("  %-16s %15.8g%n", model.features().get(f), model.coefficient(j, f));
      }
    }
  }

  private void printJson(TrainingResult result, Backend backend, Exact exact) throws IOException {
    LinearModel model = result.model();
    JsonOutput.write(
        out -> {
          out.writeStringField("backend", backend.name());
          out.writeStringField("optimizer", optimizerName());
          out.writeNumberField("epochs", result.epochs());
          out.writeNumberField("steps", result.steps());
          JsonOutput.number(out, "learningRate", result.learningRate());
          out.writeNumberField("passes", result.passes());
          JsonOutput.number(out, "gradientNorm", result.certificate().gradientNorm());
          JsonOutput.number(out, "objective", result.certificate().objective());
          JsonOutput.number(out, "gapBound", result.certificate().gap());
          out.writeStringField("gapBasis", result.certificate().basis());
          JsonOutput.number(out, "condition", result.certificate().condition());
          out.writeStringField("loss", lossName());
          JsonOutput.number(out, "value", result.loss());
          out.writeObjectFieldStart("metrics");
          for (Map.Entry<String, Double> metric : result.metrics().entrySet()) {
            JsonOutput.number(out, metric.getKey(), metric.getValue());
          }
          out.writeEndObject();
          JsonOutput.number(out, "mse", result.mse());
          JsonOutput.number(out, "r2", result.r2());
          JsonOutput.number(out, "exactMse", exact.mse());
          if (!Double.isNaN(result.validationMse())) {
            JsonOutput.number(out, "validationMse", result.validationMse());
          }
          out.writeArrayFieldStart("coefficients");
          for (double[] row : model.coefficients()) {
            out.writeStartArray();
            for (double value : row) {
              JsonOutput.number(out, value);
            }
            out.writeEndArray();
          }
          out.writeEndArray();
          out.writeArrayFieldStart("intercept");
          for (double value : model.intercepts()) {
            JsonOutput.number(out, value);
          }
          out.writeEndArray();
          out.writeArrayFieldStart("features");
          for (String feature : model.features()) {
            out.writeString(feature);
          }
          out.writeEndArray();
          out.writeArrayFieldStart("targets");
          for (String target : model.targets()) {
            out.writeString(target);
          }
          out.writeEndArray();
          out.writeStringField("stopReason", result.stopReason().message());
          JsonOutput.number(out, "seconds", result.seconds());
        });
  }

  /** The exact least-squares loss on all rows, or why there is none. */
  record Exact(double mse, double variance, String note) {
    /** Below this part of the variance a loss is rounding: there is no gap to it. */
    private static final double ROUNDING = 1e-12;

    /**
     * Of these data.
     *
     * @param units what was done to them, or null
     */
    static Exact of(
        Backend backend, Dataset data, TrainingOptions training, Standardization units) {
      int limit = 4000;
      if (training.trainingRows(data.rows()) < data.rows()) {
        return new Exact(Double.NaN, Double.NaN, "rows are held out");
      }
      if (data.features().size() > limit) {
        return new Exact(Double.NaN, Double.NaN, "more than " + limit + " features");
      }
      ExactSolution exact = solve(backend, data, training);
      double mse = mean(exact.meanSquaredError(), units);
      int features = data.features().size();
      String note =
          exact.rank() < features
              ? " (rank %,d of %,d features: coefficients are not unique)"
                  .formatted(exact.rank(), features)
              : "";
      double variance = mean(exact.targetVariance(), units);
      return new Exact(mse, variance, note);
    }

    private static double mean(double[] squares, Standardization units) {
      return IntStream.range(0, squares.length)
          .mapToDouble(j -> squares[j] * (units == null ? 1 : units.lossScale(j)))
          .average()
          .orElseThrow();
    }

    /** On the host, whose memory has no limit that was asked for. */
    private static ExactSolution solve(Backend backend, Dataset data, TrainingOptions training) {
      if (backend.usesHostMemory()) {
        return ExactSolution.solve(
            backend, data.x(), data.y(), null, data.rows(), training.hasIntercept(), 0);
      }
      try (Backend host = Backends.openHost(BackendOptions.defaults())) {
        return solve(host, data, training);
      }
    }

    /** How far a loss is above the exact one, in percent. */
    String gap(double loss) {
      return mse > ROUNDING * variance
          ? String.format(Locale.ROOT, "%.4g%%", 100 * (loss / mse - 1))
          : "none";
    }
  }
}
