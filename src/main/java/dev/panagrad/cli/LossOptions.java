package dev.panagrad.cli;

import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Losses;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
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

  private Tensor rowWeights;
  private Tensor rowOffsets;

  boolean isPresent() {
    return !(loss() instanceof Squared)
        || weights != null
        || offset != null
        || classWeights != null;
  }

  /** The options whose values come with the data. */
  dev.panagrad.train.Option[] toCome() {
    return Stream.of(
            weights == null ? null : dev.panagrad.train.Option.WEIGHTS,
            offset == null ? null : dev.panagrad.train.Option.OFFSET)
        .filter(Objects::nonNull)
        .toArray(dev.panagrad.train.Option[]::new);
  }

  Loss loss() {
    try {
      return loss == null ? new Squared() : Losses.parse(loss.toLowerCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new UsageException("--loss " + loss + ": " + e.getMessage());
    }
  }

  /** Reads the data, and keeps the columns that are weights and offset. */
  Dataset read(DataOptions data, TensorArena arena, double heldOut, long seed) {
    List<String> columns = Stream.of(weights, offset).filter(Objects::nonNull).toList();
    EncodingOptions.Use use = new EncodingOptions.Use(weights, loss().hasClasses(), heldOut, seed);
    Dataset all = data.read(arena, columns, use, _ -> {});
    int last = all.targets().size() - 1;
    int k = all.targets().size() - columns.size();
    rowWeights = weights == null ? null : column(arena, "weights", all.y(), k);
    rowOffsets = offset == null ? null : column(arena, "offsets", all.y(), last);
    return new Dataset(
        all.features(),
        all.targets().subList(0, k),
        all.x(),
        all.y().columns(0, k),
        all.encoding());
  }

  /** Gives a trainer what was read. */
  void applyColumns(Trainer trainer) {
    if (rowWeights != null) {
      trainer.weights(rowWeights);
    }
    if (rowOffsets != null) {
      trainer.offset(rowOffsets);
    }
  }

  private static Tensor column(TensorArena arena, String name, Tensor from, int column) {
    Tensor to = arena.allocate(name, from.dtype(), from.rows());
    for (long i = 0; i < from.rows(); i++) {
      to.set(i, from.get(i, column));
    }
    return to;
  }

  /** The weights of the rows that were read, or null. */
  Tensor weights() {
    return rowWeights;
  }

  void apply(Trainer trainer) {
    trainer.loss(loss());
    if (classWeights == null) {
      return;
    }
    if (classWeights.equals("balanced")) {
      trainer.balancedClasses();
      return;
    }
    double[] numbers = Numbers.of(classWeights);
    if (numbers.length != 2) {
      throw new UsageException(
          "--class-weights must be two numbers, such as 1,3, or 'balanced', found '%s'"
              .formatted(classWeights));
    }
    try {
      trainer.classWeights(numbers[0], numbers[1]);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--class-weights: " + e.getMessage());
    }
  }
}
