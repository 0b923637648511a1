package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.data.DataException;
import dev.panagrad.data.EncodedTable;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableReader;
import dev.panagrad.encoding.ClassLabels;
import dev.panagrad.encoding.NumberColumn;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.safetensors.DurableFile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code panagrad predict}: the predictions of a saved model for the rows of a file. */
@Command(
    name = "predict",
    description =
        "Predict from the rows of a file by a model that 'train --save' wrote: the probability of 1 for --loss logistic, the expected count for poisson, else the target. The header of the output says which. Columns are found by the model's feature names; others may be there.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class PredictCommand implements Callable<Integer> {
  @Mixin private DataSource source;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL.safetensors",
      description = "The model.")
  private Path modelFile;

  @Option(
      names = "--out",
      paramLabel = "FILE.csv",
      description = "Where predictions go, one column per target; default: standard output.")
  private Path out;

  @Option(
      names = "--linear",
      description =
          "Print linear predictors: the log odds of logistic, the logarithm of the count of poisson.")
  private boolean linear;

  @Option(
      names = "--offset",
      paramLabel = "COLUMN",
      description =
          "Known part of the linear predictors, added to each. A model trained with --offset needs it.")
  private String offset;

  @Option(
      names = "--missing",
      paramLabel = "error|drop",
      defaultValue = "error",
      description =
          "Rows with a missing cell that the model does not fill in: refused, or without a prediction; default ${DEFAULT-VALUE}.")
  private Missing missing;

  private EncodedTable encoded; // null if rows are predicted as they are

  /** What becomes of rows that cannot be predicted. */
  enum Missing {
    ERROR,
    DROP
  }

  @Override
  public Integer call() throws IOException {
    if (out != null && (source.isFile(out) || isModel(out))) {
      throw new UsageException(
          "--out " + out + " is the " + (isModel(out) ? "model" : "data file"));
    }
    LinearModel model = load();
    if (model.hasOffset() && offset == null) {
      throw new UsageException(
          "the model '%s' was trained with offsets: name their column by --offset COLUMN, one of zeros to predict without"
              .formatted(modelFile));
    }
    try (TensorArena arena = TensorArena.open("prediction");
        Table table = source.open()) {
      List<String> offsets = offset == null ? List.of() : List.of(offset);
      Table rows = table.withFeatures(largestNumber(model));
      if (missing == Missing.DROP || model.encoding().isPresent()) {
        TableEncoding encoding = model.encoding().orElseGet(() -> plain(model));
        encoded = EncodedTable.of(rows, encoding, offsets, missing == Missing.DROP);
        rows = encoded;
      }
      Tensor x =
          TableReader.of(rows).features(model.features()).readFeatures(arena, DType.F64, offsets);
      // After all that may fail, so that a file that was there is not lost to a bad row.
      try {
        write(model, x);
      } catch (IOException e) {
        throw cannotWrite(e);
      } catch (UncheckedIOException e) {
        throw cannotWrite(e.getCause());
      }
    }
    return 0;
  }

  private static TableEncoding plain(LinearModel model) {
    return new TableEncoding(model.features().stream().map(NumberColumn::of).toList(), List.of());
  }

  private DataException cannotWrite(IOException e) {
    return out == null
        ? new DataException("cannot write the predictions: " + e.getMessage(), e)
        : OutputFile.cannotWrite(out, e);
  }

  /** Rows in which the model's last features are all 0 do not have them. */
  private static int largestNumber(LinearModel model) {
    return model.features().stream()
        .filter(feature -> feature.matches("[1-9][0-9]{0,5}"))
        .mapToInt(Integer::parseInt)
        .max()
        .orElse(0);
  }

  private double value(LinearModel model, double z) {
    return linear ? z : model.loss().mean(z);
  }

  private List<String> header(LinearModel model, int j) {
    String target = model.targets().get(j);
    if (hasNames(model, j)) {
      return List.of(target, model.loss().label(target + "=" + model.classes(j).get().positive()));
    }
    return List.of(
        linear && model.loss().hasLink()
            ? "linear predictor of " + target
            : model.loss().label(target));
  }

  private void predict(LinearModel model, Tensor x, CsvWriter writer) {
    int d = model.features().size();
    double[] row = new double[d];
    List<String> cells = new ArrayList<>();
    long next = 0;
    for (long i = 0; i < rows(x); i++) {
      boolean isThere = encoded == null || encoded.hasRow(i);
      for (int f = 0; isThere && f < d; f++) {
        row[f] = x.get(next, f);
      }
      // -0 adds nothing, not even to -0.
      double known = offset == null || !isThere ? -0.0 : x.get(next, d);
      next += isThere ? 1 : 0;
      cells.clear();
      for (int j = 0; j < model.targets().size(); j++) {
        double value = isThere ? value(model, model.predict(row, j, known)) : Double.NaN;
        if (hasNames(model, j)) {
          ClassLabels classes = model.classes(j).get();
          boolean isPositive = value >= 0.5;
          cells.add(!isThere ? "" : isPositive ? classes.positive() : classes.negative());
        }
        cells.add(isThere ? Double.toString(value) : "");
      }
      writer.writeRecord(cells);
    }
  }

  private long rows(Tensor x) {
    return encoded == null ? x.rows() : encoded.rows() + encoded.dropped();
  }

  /** True if the names of classes are written beside their probabilities. */
  private boolean hasNames(LinearModel model, int target) {
    return !linear && model.classes(target).isPresent();
  }

  private LinearModel load() {
    try {
      LinearModel model = ModelFile.load(modelFile);
      if (model.features().isEmpty()) {
        double[] values = Arrays.stream(model.intercepts()).map(z -> value(model, z)).toArray();
        throw new DataException(
            "the model '%s' has no features: it predicts %s for every row"
                .formatted(modelFile, Arrays.toString(values)));
      }
      return model;
    } catch (IOException e) {
      throw new DataException("cannot read the model: " + e.getMessage(), e);
    }
  }

  private boolean isModel(Path file) throws IOException {
    return Files.exists(file) && Files.exists(modelFile) && Files.isSameFile(file, modelFile);
  }

  private void write(LinearModel model, Tensor x) throws IOException {
    if (out == null) {
      write(model, x, new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
      if (System.out.checkError()) {
        throw new IOException("standard output does not take them");
      }
    } else if (Files.exists(out) && !Files.isRegularFile(out)) {
      // A pipe, or another device.
      try (Writer to = Files.newBufferedWriter(out)) {
        write(model, x, to);
      }
    } else {
      // As a whole or not at all.
      DurableFile.replace(
          out, channel -> write(model, x, Channels.newWriter(channel, StandardCharsets.UTF_8)));
    }
  }

  private void write(LinearModel model, Tensor x, Writer to) throws IOException {
    CsvWriter writer = CsvWriter.builder().build(to);
    writer.writeRecord(
        IntStream.range(0, model.targets().size())
            .mapToObj(j -> header(model, j))
            .flatMap(List::stream)
            .toList());
    predict(model, x, writer);
    writer.flush();
  }
}
