package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.RowOrder;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Checkpoints;
import dev.panagrad.train.DivergenceException;
import dev.panagrad.train.PhaseTimes;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingFile;
import dev.panagrad.train.TrainingPlan;
import dev.panagrad.train.TrainingResult;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code panagrad train}: fits one model and compares its loss with the exact one. */
@Command(
    name = "train",
    description = "Train a linear model on a file of rows.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainCommand implements Callable<Integer> {
  @Mixin private DataOptions data;

  @Option(
      names = "--optimizer",
      defaultValue = "auto",
      description =
          "auto, the default, takes the method that ends at the minimum by itself, and says which: exact, cg, lbfgs, or fista with --l1; adam where an option asks for steps. Optimizers that step: gd, sgd, adam, adamw, rmsprop, lion, nadam, adagrad.")
  private MethodName optimizer;

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

  @Option(
      names = "--init",
      paramLabel = "MODEL.safetensors|DIR",
      description =
          "Start from a saved model, or the newest checkpoint in that directory, whatever optimizer, rate or seed it is of: features are found by name, those that it does not have start at zero.")
  private Path init;

  @Option(
      names = "--keep",
      paramLabel = "best|last",
      defaultValue = "best",
      description =
          "With --validation: the model of the epoch with the lowest held-out loss, or of the last; default ${DEFAULT-VALUE}.")
  private Keep keep;

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

  @Option(
      names = "--timings",
      description = "Print how long each phase took; --json always has that.")
  private boolean timings;

  @Option(names = "--quiet", description = "No backend table and no progress.")
  private boolean quiet;

  private TrainingOptions.Choice chosen;

  /** Which epoch's model is taken. */
  enum Keep {
    BEST,
    LAST
  }

  @Override
  public Integer call() throws IOException {
    PrintStream out = json ? System.err : System.out;
    PhaseTimes phases = new PhaseTimes();
    Map<String, Double> seconds = new LinkedHashMap<>();
    seconds.put("start", ManagementFactory.getRuntimeMXBean().getUptime() / 1000.0);
    chosen =
        optimizer == MethodName.AUTO
            ? training.choose(loss.loss(), dataMemory != null)
            : new TrainingOptions.Choice(optimizer, null);
    if (optimizer == MethodName.EXACT && !training.idle(optimizer).isEmpty()) {
      throw new UsageException(
          "%s: --optimizer exact has neither a start nor epochs; leave that out, or name cg"
              .formatted(training.idle(optimizer)));
    }
    TrainingOptions.Preparation prepared = prepared();
    if (chosen.method().isSolver()) {
      data.preferF64();
    }
    requirePlaces();
    try (Backend backend = backendChoice.open();
        TensorArena arena = TensorArena.open("data");
        TrainingFile file = data.openTrainingFile()) {
      if (file != null) {
        prepared.trainer().plan().requireFits(file, loss.toCome());
      } else if (checkRows) {
        throw new UsageException("--check-rows is for training files");
      }
      Dataset dataset =
          file == null
              ? loss.read(data, arena, training.validation, training.seed)
              : file.dataset();
      phases.end("reading");
      prepared = choose(prepared, dataset);
      loss.applyColumns(prepared.trainer());
      if (checkRows) {
        requireIntact(file);
      }
      long rows = RowOrder.used(dataset.rows(), loss.weights());
      Trainer trainer = prepared.trainer(rows, file != null);
      if (!quiet) {
        printData(out, backend, dataset);
      }
      List<String> coarse = file == null ? Warnings.print(dataset, loss.weights()) : List.of();
      Warnings.printRows(rows, training.trainingRows(rows), dataset.features().size(), training);
      phases.end("checks");
      // Before training, which standardizes in place. The solution is invariant to that; its units
      // are not.
      ExactLoss exact = exact(backend, dataset, file);
      phases.end("exact loss");
      TrainingResult result = fit(trainer, dataset, file, backend, out);
      if (result == null) {
        return 1;
      }
      phases.end(result.phases());
      Warnings.Ended by =
          new Warnings.Ended(
              chosen.method(),
              file != null || !training.noStandardize,
              training.better(loss.loss(), dataMemory != null),
              coarse,
              dataset.x().dtype() == DType.F32);
      Warnings.print(result, training, by);
      Warnings.printFit(result, training, by);
      Warnings.printAverage(training.firstAveraged(), result.steps());
      // Saved before anything is printed; a disk that is full does not take the result with it.
      DataException unsaved = saveIfFinished(result);
      phases.end("saving");
      seconds.putAll(phases.seconds());
      TrainReport report =
          new TrainReport(chosen.method(), training, loss, result, backend, exact, seconds);
      if (json) {
        JsonOutput.print(report.fields());
      } else {
        report.print(System.out);
        if (timings) {
          report.printPhases(System.out);
        }
      }
      if (unsaved != null) {
        throw unsaved;
      }
      return finish(result);
    }
  }

  private TrainingOptions.Preparation prepared() {
    TrainingOptions.Preparation prepared = training.prepare(chosen.method(), false);
    prepare(prepared.trainer());
    return prepared;
  }

  /** Takes another method where the data are too large for the first. */
  private TrainingOptions.Preparation choose(
      TrainingOptions.Preparation prepared, Dataset dataset) {
    if (optimizer != MethodName.AUTO) {
      return prepared;
    }
    TrainingOptions.Choice before = chosen;
    int features = dataset.features().size();
    chosen = training.choose(loss.loss(), before, dataset.rows(), features);
    (json ? System.err : System.out)
        .printf(
            "optimizer auto: %s, as %s; rows are %s%n",
            chosen.method().text(), chosen.reason(), dataset.x().dtype());
    String idle = training.idle(chosen.method());
    if (!idle.isEmpty()) {
      (json ? System.err : System.out).printf("without effect on a direct solution: %s%n", idle);
    }
    return chosen.method() == before.method() ? prepared : prepared();
  }

  private DataException saveIfFinished(TrainingResult result) {
    if (save == null || result.stopReason().isEarly()) {
      return null;
    }
    try {
      save(result.model());
      return null;
    } catch (DataException e) {
      return e;
    }
  }

  private void prepare(Trainer trainer) {
    loss.apply(trainer);
    checkpoints.apply(trainer);
    trainer.certify();
    if (keep == Keep.LAST) {
      trainer.keepLast();
    }
    if (init != null) {
      trainer.startFrom(model(init));
    }
    if (dataMemory != null) {
      trainer.dataMemory(Numbers.bytes("--data-memory", dataMemory));
    }
    TrainingPlan plan = trainer.plan();
    plan.requireConsistent(loss.toCome());
    plan.requireFits(data.dtype());
  }

  private static LinearModel model(Path file) {
    try {
      return Files.isDirectory(file) ? Checkpoints.model(file) : ModelFile.load(file);
    } catch (IOException e) {
      throw new DataException("--init: " + e.getMessage(), e);
    }
  }

  private TrainingResult fit(
      Trainer trainer, Dataset dataset, TrainingFile file, Backend backend, PrintStream out) {
    // A signal is not listened to before: until then a last checkpoint would save nothing.
    try (StopSignal stop = checkpoints.folder != null ? StopSignal.listen() : null;
        HistoryFile history = log == null ? null : new HistoryFile(log);
        Console console = new Console(out, quiet, "training", training.epochs(chosen.method()))) {
      if (history != null) {
        trainer.listener(history);
      }
      trainer.listener(console);
      if (stop != null) {
        trainer.stopWhen(stop::isRequested);
      }
      return file == null ? trainer.fit(dataset, backend) : trainer.fit(file, backend);
    } catch (DivergenceException e) {
      if (save == null || e.best().isEmpty()) {
        throw e;
      }
      save(e.best().get());
      System.err.println(
          "panagrad: %s; that model is saved in %s".formatted(e.message(Flags::of), save));
      return null;
    }
  }

  private static void requireIntact(TrainingFile file) {
    try {
      file.requireIntactRows();
    } catch (IOException e) {
      throw new DataException(e.getMessage(), e);
    }
  }

  private void printData(PrintStream out, Backend backend, Dataset dataset) {
    int d = dataset.features().size();
    out.println(Backends.table(backend));
    out.printf("%ndata: %,d rows, %,d features, %s%n", dataset.rows(), d, dataset.x().dtype());
    if (training.gram) {
      long bytes = NormalEquations.requiredBytes(d, dataset.targets().size());
      out.printf("gram: X^T X and X^T y take %,d bytes%n", bytes);
    }
  }

  private ExactLoss exact(Backend backend, Dataset dataset, TrainingFile file) {
    if (loss.isPresent() || chosen.method() == MethodName.EXACT) {
      return ExactLoss.none(null);
    }
    double passes = chosen.method().isSolver() ? 0 : (double) training.epochs(chosen.method());
    return file != null && dataMemory != null
        ? ExactLoss.none("not all rows are in memory")
        : training.exact(backend, dataset, file == null ? null : file.standardization(), passes);
  }

  private void requirePlaces() {
    if (log != null && data.source.isFile(log)) {
      throw new UsageException("--log " + log + " is the data file");
    }
    if (save == null) {
      return;
    }
    if (log != null && OutputFile.isSame(save, log)) {
      throw new UsageException("--save " + save + " is the history file");
    }
    if (checkpoints.isFolder(save)) {
      throw new UsageException("--save " + save + " is the folder of the checkpoints; name a file");
    }
    if (Files.exists(save) && !Files.isDirectory(save) && !Files.isRegularFile(save)) {
      throw new UsageException("--save " + save + " is not a regular file; name another one");
    }
    OutputFile.requirePlace("--save", save, data);
  }

  private int finish(TrainingResult result) {
    if (result.stopReason().isEarly()) {
      System.err.println(
          "panagrad: stopped before its end%s; the same command with --resume goes on"
              .formatted(save == null ? "" : ", and no model was saved"));
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
}
