package dev.panagrad.cli;

import dev.panagrad.optimizer.Averaging;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.train.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** What is done about the noise of gradients that are of batches. */
final class NoiseOptions {
  @Option(
      names = "--accumulate",
      paramLabel = "N",
      description = "One step on the mean gradient of N batches; default 1.")
  private Integer accumulate;

  @Option(
      names = "--svrg",
      description =
          "sgd: correct each batch's gradient by that of the same rows at the beginning of the epoch, so that a constant"
              + " rate converges; three passes over the rows per epoch.")
  private boolean svrg;

  @Option(
      names = "--reduce-rate",
      paramLabel = "F,N[,R]",
      description =
          "Multiply the learning rate by F in (0, 1) after N epochs without an improvement by more than the fraction R, default"
              + " 1e-4; e.g. 0.5,10.")
  private String reduceRate;

  @Option(
      names = "--average",
      paramLabel = "ema:D|mean:N",
      description =
          "Take an average of the parameters of all steps for the model: exponential of decay D, e.g. ema:0.99, or the mean from step N on.")
  private String average;

  /** Sets up an optimizer. */
  void apply(Optimizer.Builder optimizer) {
    if (average != null) {
      optimizer.average(averaging());
    }
  }

  /** Sets up a trainer, by what is for that optimizer. */
  void apply(Trainer trainer, RuleName name) {
    if (accumulate != null && !name.takesFullBatches()) {
      trainer.accumulate(accumulate);
    }
    if (svrg && name == RuleName.SGD) {
      trainer.varianceReduced();
    }
    if (reduceRate != null && !name.isSolver()) {
      reduceRate(trainer);
    }
  }

  /** Rows of that many batches. */
  long rowsPerStep(long batch) {
    // What is out of range the trainer says.
    long batches = accumulate == null ? 1 : Math.max(1L, accumulate);
    return batch > Long.MAX_VALUE / batches ? Long.MAX_VALUE : batch * batches;
  }

  /** Options that an optimizer does not have. */
  List<String> foreign(RuleName name) {
    List<String> foreign = new ArrayList<>();
    if (accumulate != null && name.takesFullBatches()) {
      foreign.add("--accumulate");
    }
    if (svrg && name != RuleName.SGD) {
      foreign.add("--svrg");
    }
    if (reduceRate != null && name.isSolver()) {
      foreign.add("--reduce-rate");
    }
    if (average != null && name.isSolver()) {
      foreign.add("--average");
    }
    return foreign;
  }

  /** The step from which a mean is kept; 0 if none is. */
  long firstAveraged() {
    return average == null ? 0 : averaging().firstStep();
  }

  private Averaging averaging() {
    String[] parts = average.toLowerCase(Locale.ROOT).split(":", -1);
    try {
      if (parts.length == 2 && parts[0].equals("ema")) {
        return Averaging.ema(Double.parseDouble(parts[1]));
      }
      if (parts.length == 2 && parts[0].equals("mean")) {
        return Averaging.polyakRuppert(Long.parseLong(parts[1]));
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new UsageException(
        "--average must be ema:D with D in (0, 1), or mean:N with a step N from 1, found '"
            + average
            + "'");
  }

  private void reduceRate(Trainer trainer) {
    List<String> parts = List.of(reduceRate.split(",", -1));
    try {
      if (parts.size() == 2 || parts.size() == 3) {
        double tolerance = parts.size() == 2 ? 1e-4 : Double.parseDouble(parts.get(2));
        trainer.reduceRate(
            Double.parseDouble(parts.get(0)), Integer.parseInt(parts.get(1)), tolerance);
        return;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new UsageException(
        "--reduce-rate must be a factor in (0, 1) and a number of epochs, such as 0.5,10, and perhaps a fraction, such as 0.5,10,1e-3;"
            + " found '"
            + reduceRate
            + "'");
  }
}
