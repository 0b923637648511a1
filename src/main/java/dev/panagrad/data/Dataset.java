package dev.panagrad.data;

import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Features and targets with their names; the tensors belong to their arena.
 *
 * @param features names of the columns of x
 * @param targets names of the columns of y
 * @param x [rows, features]
 * @param y [rows, targets], of the same type
 * @param encoding how a table became these features, for the model; null if nothing was encoded
 */
public record Dataset(
    List<String> features, List<String> targets, Tensor x, Tensor y, TableEncoding encoding) {
  public Dataset {
    features = List.copyOf(features);
    targets = List.copyOf(targets);
    if (x.shape().rank() != 2 || x.cols() != features.size()) {
      throw new IllegalArgumentException(
          "features '%s' have shape %s for %d names"
              .formatted(x.name(), x.shape(), features.size()));
    }
    if (y.rows() != x.rows() || y.cols() != targets.size() || y.shape().rank() > 2) {
      throw new IllegalArgumentException(
          "targets '%s' have shape %s where [%d, %d] is needed"
              .formatted(y.name(), y.shape(), x.rows(), targets.size()));
    }
    y.requireDType(x.dtype());
    if (encoding != null && !encoding.features().equals(features)) {
      throw new IllegalArgumentException("an %s is not of these features".formatted(encoding));
    }
  }

  /** Takes columns that are features as they are. */
  public Dataset(List<String> features, List<String> targets, Tensor x, Tensor y) {
    this(features, targets, x, y, null);
  }

  /** Makes a data set of tensors: features are called x1, x2, ... and targets y1, y2, ... */
  public static Dataset of(Tensor x, Tensor y) {
    return new Dataset(names("x", x.cols()), names("y", y.cols()), x, y);
  }

  private static List<String> names(String prefix, long count) {
    return LongStream.rangeClosed(1, count).mapToObj(i -> prefix + i).toList();
  }

  public long rows() {
    return x.rows();
  }

  /** Returns a copy in host memory, for what changes its rows in place. */
  public Dataset copy(TensorArena arena) {
    Dataset copy =
        new Dataset(
            features,
            targets,
            arena.allocate("copy of " + x.name(), x.dtype(), x.shape()),
            arena.allocate("copy of " + y.name(), y.dtype(), y.shape()),
            encoding);
    copy.copyFrom(this);
    return copy;
  }

  /** Takes over the values of a data set of this shape. */
  public void copyFrom(Dataset other) {
    x.copyFrom(other.x);
    y.copyFrom(other.y);
  }

  /** Returns the first value that is not finite and its place, in words; null if all values are. */
  public String firstNotFinite() {
    return firstNotFinite(null);
  }

  /** Names the first value that is not finite in rows of weight above 0, or in all for null. */
  public String firstNotFinite(Tensor weights) {
    String ofFeatures = firstNotFinite("feature", x, features, weights);
    return ofFeatures == null ? firstNotFinite("target", y, targets, weights) : ofFeatures;
  }

  private static String firstNotFinite(
      String what, Tensor values, List<String> names, Tensor weights) {
    for (int c = 0; c < names.size(); c++) {
      for (long i = 0; i < values.rows(); i++) {
        if (!Double.isFinite(values.get(i, c)) && (weights == null || weights.get(i) > 0)) {
          return "row %,d of %s '%s' is %s".formatted(i + 1, what, names.get(c), values.get(i, c));
        }
      }
    }
    return null;
  }
}
