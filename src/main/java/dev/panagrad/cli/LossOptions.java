package dev.panagrad.cli;

import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Losses;
import dev.panagrad.loss.Squared;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Which loss, and how much each row counts. */
final class LossOptions {
  @Option(names = "--loss", paramLabel = "NAME", description = Losses.HELP + " Default squared.")
  private String loss;

  @Option(
      names = "--weights",
      paramLabel = "COLUMN",
      description = "How much each row counts; at least 0.")
  private String weights;

  @Option(
      names = "--offset",
      paramLabel = "COLUMN",
      description = "Known part of the predictions, such as the logarithm of an exposure.")
  private String offset;

  @Option(
      names = "--class-weights",
      paramLabel = "W0,W1|balanced",
      description = "logistic: how much rows of class 0 and 1 count.")
  private String classWeights;

  /** Whether it is not the squared error of rows that all count alike. */
  boolean isPresent() {
    return (loss != null && !(loss() instanceof Squared))
        || weights != null
        || offset != null
        || classWeights != null;
  }

  /** Options whose values come with the data. */
  dev.panagrad.train.Option[] toCome() {
    List<dev.panagrad.train.Option> toCome = new ArrayList<>();
    if (weights != null) {
      toCome.add(dev.panagrad.train.Option.WEIGHTS);
    }
    if (offset != null) {
      toCome.add(dev.panagrad.train.Option.OFFSET);
    }
    return toCome.toArray(dev.panagrad.train.Option[]::new);
  }

  /** The loss, or null if none was named. */
  Loss loss() {
    if (loss == null) {
      return null;
    }
    try {
      return Losses.parse(loss.toLowerCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new UsageException("--loss " + loss + ": " + e.getMessage());
    }
  }

  /** Fails now, before data are read, if options make no sense whatever the data are. */
  void check() {
    loss();
    if (classWeights != null) {
      classWeights();
    }
  }

  /**
   * The rows, and what is in columns of their own.
   *
   * @param weights null if there are none
   * @param offset null if there is none
   */
  record Rows(Dataset dataset, Tensor weights, Tensor offset) {}

  /** Reads the data. */
  Rows read(DataOptions data, TensorArena arena) {
    List<String> columns = new ArrayList<>();
    if (weights != null) {
      columns.add(weights);
    }
    if (offset != null) {
      columns.add(offset);
    }
    Dataset all = data.read(arena, columns);
    Tensor y = all.y();
    int k = all.targets().size() - columns.size();
    Dataset dataset =
        new Dataset(all.features(), all.targets().subList(0, k), all.x(), y.columns(0, k));
    return new Rows(
        dataset,
        weights == null ? null : column(arena, "weights", y, k),
        offset == null ? null : column(arena, "offsets", y, all.targets().size() - 1));
  }

  private static Tensor column(TensorArena arena, String name, Tensor from, int column) {
    Tensor to = arena.allocate(name, from.dtype(), from.rows());
    for (long i = 0; i < from.rows(); i++) {
      to.set(i, from.get(i, column));
    }
    return to;
  }

  /** Sets up a trainer. */
  void apply(Trainer trainer, Rows rows) {
    apply(trainer);
    if (rows.weights != null) {
      trainer.weights(rows.weights);
    }
    if (rows.offset != null) {
      trainer.offset(rows.offset);
    }
  }

  /** The same without rows. */
  void apply(Trainer trainer) {
    if (loss() != null) {
      trainer.loss(loss());
    }
    if (classWeights != null) {
      double[] ofClass = classWeights();
      if (ofClass.length == 0) {
        trainer.balancedClasses();
      } else {
        trainer.classWeights(ofClass[0], ofClass[1]);
      }
    }
  }

  /** Of 0 and 1; none if they are to be balanced. */
  private double[] classWeights() {
    Loss named = loss();
    if (named == null || !named.hasClasses()) {
      throw new UsageException("--class-weights is for --loss logistic");
    }
    if (classWeights.equals("balanced")) {
      return new double[0];
    }
    List<String> parts = List.of(classWeights.split(",", -1));
    try {
      if (parts.size() == 2) {
        return new double[] {
          Checks.positive("weight of class 0", Double.parseDouble(parts.get(0))),
          Checks.positive("weight of class 1", Double.parseDouble(parts.get(1)))
        };
      }
    } catch (NumberFormatException e) {
      // Said below.
    } catch (IllegalArgumentException e) {
      throw new UsageException("--class-weights: " + e.getMessage());
    }
    throw new UsageException(
        "--class-weights must be two numbers, such as 1,3, or 'balanced', found '"
            + classWeights
            + "'");
  }
}
