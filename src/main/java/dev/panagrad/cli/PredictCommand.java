package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableReader;
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
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
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
      Tensor x =
          TableReader.of(table.withFeatures(largestNumber(model)))
              .features(model.features())
              .readFeatures(arena, DType.F64, offset == null ? List.of() : List.of(offset));
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

  private String header(LinearModel model, String target) {
    return linear && model.loss().hasLink()
        ? "linear predictor of " + target
        : model.loss().label(target);
  }

  private void predict(LinearModel model, Tensor x, CsvWriter writer) {
    int d = model.features().size();
    double[] row = new double[d];
    String[] predictions = new String[model.targets().size()];
    for (long i = 0; i < x.rows(); i++) {
      for (int f = 0; f < d; f++) {
        row[f] = x.get(i, f);
      }
      // -0 adds nothing, not even to -0.
      double known = offset == null ? -0.0 : x.get(i, d);
      Arrays.setAll(predictions, j -> Double.toString(value(model, model.predict(row, j, known))));
      writer.writeRecord(predictions);
    }
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
    writer.writeRecord(model.targets().stream().map(target -> header(model, target)).toList());
    predict(model, x, writer);
    writer.flush();
  }
}
