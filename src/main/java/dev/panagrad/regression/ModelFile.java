package dev.panagrad.regression;

import dev.panagrad.safetensors.NameList;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A {@link LinearModel} as a safetensors file, which Python reads as it is:
 *
 * <pre>
 *   weight   F64 [targets, features]     coefficients in raw units
 *   bias     F64 [targets]               intercepts; zeros if the model has none
 *
 *   metadata: format "panagrad.linear.1", features and targets as JSON lists of names,
 *             crc32c.weight, crc32c.bias
 * </pre>
 */
public final class ModelFile {
  private static final String FORMAT = "format";
  private static final String LINEAR = "panagrad.linear.1";
  private static final String FEATURES = "features";
  private static final String TARGETS = "targets";
  private static final String WEIGHT = "weight";
  private static final String BIAS = "bias";

  private ModelFile() {}

  /**
   * Writes a model; it is on the disk when the call returns, in place of what was there.
   *
   * @throws IOException if it cannot be written; what was there before is still there
   */
  public static void save(LinearModel model, Path file) throws IOException {
    int k = model.targets().size();
    int d = model.features().size();
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(FORMAT, LINEAR);
    metadata.put(FEATURES, NameList.format(model.features()));
    metadata.put(TARGETS, NameList.format(model.targets()));
    try (TensorArena arena = TensorArena.open("model file")) {
      Tensor weight = arena.allocate(WEIGHT, DType.F64, k, d);
      Tensor bias = arena.allocate(BIAS, DType.F64, k);
      for (int j = 0; j < k; j++) {
        for (int f = 0; f < d; f++) {
          weight.set(j, f, model.coefficient(j, f));
        }
        bias.set(j, model.intercept(j));
      }
      SafetensorsWriter.write(file, metadata, List.of(weight, bias));
    }
  }

  /**
   * Reads a model.
   *
   * @throws IOException if the file is damaged, or holds something else, with what differs
   */
  public static LinearModel load(Path file) throws IOException {
    SafetensorsFile in = SafetensorsFile.open(file);
    String format = in.metadata().get(FORMAT);
    if (!LINEAR.equals(format)) {
      throw new IOException(
          "'%s' is not a linear model of this program: its metadata '%s' is %s where '%s' is needed"
              .formatted(file, FORMAT, format == null ? "missing" : "'" + format + "'", LINEAR));
    }
    in.requireIntactHeader();
    List<String> features = list(file, in.metadata(), FEATURES);
    List<String> targets = list(file, in.metadata(), TARGETS);
    try (TensorArena arena = TensorArena.open("model file")) {
      Tensor weight = in.map(arena, WEIGHT);
      Tensor bias = in.map(arena, BIAS);
      require(file, weight, targets.size(), features.size());
      require(file, bias, targets.size(), 1);
      in.requireIntact(weight);
      in.requireIntact(bias);
      double[][] coefficients = new double[targets.size()][features.size()];
      double[] intercepts = new double[targets.size()];
      for (int j = 0; j < intercepts.length; j++) {
        for (int f = 0; f < features.size(); f++) {
          coefficients[j][f] = weight.get(j, f);
        }
        intercepts[j] = bias.get(j);
      }
      return new LinearModel(features, targets, coefficients, intercepts);
    }
  }

  private static void require(Path file, Tensor tensor, long rows, long cols) throws IOException {
    if (tensor.dtype() != DType.F64 || tensor.rows() != rows || tensor.cols() != cols) {
      throw new IOException(
          "'%s': tensor '%s' is %s %s, and the names in its metadata are %,d targets and %,d columns"
              .formatted(file, tensor.name(), tensor.dtype(), tensor.shape(), rows, cols));
    }
  }

  private static List<String> list(Path file, Map<String, String> metadata, String key)
      throws IOException {
    String text = metadata.get(key);
    if (text == null) {
      throw new IOException("'%s' has no metadata '%s'".formatted(file, key));
    }
    try {
      return NameList.parse(text);
    } catch (IOException e) {
      throw new IOException("'%s': metadata '%s': %s".formatted(file, key, e.getMessage()), e);
    }
  }
}
