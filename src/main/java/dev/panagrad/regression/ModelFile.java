package dev.panagrad.regression;

import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Losses;
import dev.panagrad.loss.Squared;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.safetensors.NameList;
import dev.panagrad.safetensors.NotDurableException;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps a {@link LinearModel} as a safetensors file, which Python reads as it is:
 *
 * <pre>
 *   weight   F64 [targets, features]     coefficients in raw units
 *   bias     F64 [targets]               intercepts; zeros if the model has none
 *
 *   metadata: format "panagrad.linear.1", features and targets as JSON lists of names,
 *             loss, offset, crc32c.weight, crc32c.bias
 * </pre>
 *
 * The loss is a text of {@link Losses}; a file without one is of the squared error. The offset is
 * "needed" for a model that was fitted with offsets, and left out for others. Columns and classes
 * that were encoded are in {@code columns}, {@code column.N} and {@code classes.N}, see {@link
 * EncodingMetadata}.
 */
public final class ModelFile {
  private static final String FORMAT = "format";
  private static final String LINEAR = "panagrad.linear.1";
  private static final String FEATURES = "features";
  private static final String TARGETS = "targets";
  private static final String LOSS = "loss";
  private static final String OFFSET = "offset";
  private static final String NEEDED = "needed";
  private static final String WEIGHT = "weight";
  private static final String BIAS = "bias";

  private ModelFile() {}

  /**
   * Writes a model; it is on the disk when the call returns, in place of what was there.
   *
   * @throws IllegalArgumentException if it has no targets, a loss not of {@link Losses}, or a
   *     number that is not finite; nothing is written
   * @throws NotDurableException if it was written and replaced, and may not outlast a crash
   * @throws IOException if it cannot be written; what was there before is still there
   */
  public static void save(LinearModel model, Path file) throws IOException {
    if (model.targets().isEmpty()) {
      throw new IllegalArgumentException("a model of no targets predicts nothing: it is not saved");
    }
    model.requireFinite();
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(FORMAT, LINEAR);
    metadata.putAll(metadata(model));
    try (TensorArena arena = TensorArena.open("model file")) {
      SafetensorsWriter.write(file, metadata, tensors(model, "", arena));
    }
  }

  /**
   * Returns what is said of a model beside its tensors, in its own file or another format's.
   *
   * @throws IllegalArgumentException if its loss is not of {@link Losses}
   */
  public static Map<String, String> metadata(LinearModel model) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(FEATURES, NameList.format(model.features()));
    metadata.put(TARGETS, NameList.format(model.targets()));
    metadata.put(LOSS, Losses.text(model.loss()));
    if (model.hasOffset()) {
      metadata.put(OFFSET, NEEDED);
    }
    EncodingMetadata.put(model.encoding().orElse(null), metadata);
    return metadata;
  }

  /** Returns coefficients and intercepts as the file's tensors; names begin with the prefix. */
  public static List<Tensor> tensors(LinearModel model, String prefix, TensorArena arena) {
    int k = model.targets().size();
    int d = model.features().size();
    Tensor weight = arena.allocate(prefix + WEIGHT, DType.F64, k, d);
    Tensor bias = arena.allocate(prefix + BIAS, DType.F64, k);
    for (int j = 0; j < k; j++) {
      for (int f = 0; f < d; f++) {
        weight.set(j, f, model.coefficient(j, f));
      }
      bias.set(j, model.intercept(j));
    }
    return List.of(weight, bias);
  }

  /**
   * Reads a model, by reading the file and not by mapping it. Memory: the arrays of the model, its
   * names, and twice the header while it is read.
   *
   * @throws IOException if the file is damaged, holds something else, with what differs, or a
   *     number that is not finite
   */
  public static LinearModel load(Path file) throws IOException {
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      String format = in.metadata().get(FORMAT);
      if (!LINEAR.equals(format)) {
        throw new IOException(
            "'%s' is not a linear model of this program: its metadata '%s' is %s where '%s' is needed"
                .formatted(
                    Excerpt.of(file),
                    FORMAT,
                    format == null ? "missing" : "'" + Excerpt.of(format) + "'",
                    LINEAR));
      }
      in.requireIntactHeader();
      return read(file, in, "");
    }
  }

  /**
   * Reads the model of an open file with an intact header, whatever its format, from tensors whose
   * names begin with the prefix.
   *
   * @throws IOException as {@link #load} does
   */
  public static LinearModel read(Path file, SafetensorsFile in, String prefix) throws IOException {
    Loss loss = loss(file, in.metadata().get(LOSS));
    // The tensors say how many names there can be, before there are any in memory.
    Shape shape = in.shape(prefix + WEIGHT);
    long most = shape.rank() == 2 ? shape.rows() : 0;
    List<String> targets = list(file, in.metadata(), TARGETS, most);
    List<String> features = list(file, in.metadata(), FEATURES, most == 0 ? 0 : shape.cols());
    if (targets.isEmpty()) {
      throw new IOException("'%s' has no targets".formatted(Excerpt.of(file)));
    }
    require(file, in, prefix + WEIGHT, Shape.of(targets.size(), features.size()));
    require(file, in, prefix + BIAS, Shape.of(targets.size()));
    double[][] coefficients = new double[targets.size()][features.size()];
    double[] intercepts = new double[targets.size()];
    in.readDoubles(prefix + WEIGHT, coefficients);
    in.readDoubles(prefix + BIAS, intercepts);
    LinearModel plain = new LinearModel(coefficients, intercepts, features, targets, loss);
    return encoded(file, in.metadata(), finite(file, plain))
        .withOffset(hasOffset(file, in.metadata().get(OFFSET)));
  }

  private static LinearModel encoded(Path file, Map<String, String> metadata, LinearModel model)
      throws IOException {
    try {
      return model.withEncoding(EncodingMetadata.get(metadata, model.targets().size()));
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException("'%s': %s".formatted(Excerpt.of(file), e.getMessage()), e);
    }
  }

  private static LinearModel finite(Path file, LinearModel model) throws IOException {
    try {
      model.requireFinite();
      return model;
    } catch (IllegalArgumentException e) {
      throw new IOException("'%s': %s".formatted(Excerpt.of(file), e.getMessage()), e);
    }
  }

  private static boolean hasOffset(Path file, String text) throws IOException {
    if (text != null && !text.equals(NEEDED)) {
      throw new IOException(
          "'%s': metadata '%s' is '%s' where '%s' or nothing is known"
              .formatted(Excerpt.of(file), OFFSET, Excerpt.of(text), NEEDED));
    }
    return text != null;
  }

  private static void require(Path file, SafetensorsFile in, String tensor, Shape shape)
      throws IOException {
    if (in.dtype(tensor) != DType.F64 || !in.shape(tensor).equals(shape)) {
      throw new IOException(
          "'%s': tensor '%s' is %s %s, and F64 %s is needed for the names in its metadata"
              .formatted(Excerpt.of(file), tensor, in.dtype(tensor), in.shape(tensor), shape));
    }
  }

  private static Loss loss(Path file, String text) throws IOException {
    if (text == null) {
      return new Squared();
    }
    try {
      return Losses.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IOException(
          "'%s': metadata '%s' is '%s': %s"
              .formatted(Excerpt.of(file), LOSS, Excerpt.of(text), e.getMessage()),
          e);
    }
  }

  private static List<String> list(Path file, Map<String, String> metadata, String key, long most)
      throws IOException {
    String text = metadata.get(key);
    if (text == null) {
      throw new IOException("'%s' has no metadata '%s'".formatted(Excerpt.of(file), key));
    }
    try {
      return NameList.parse(text, most);
    } catch (IOException e) {
      throw new IOException(
          "'%s': metadata '%s': %s".formatted(Excerpt.of(file), key, e.getMessage()), e);
    }
  }
}
