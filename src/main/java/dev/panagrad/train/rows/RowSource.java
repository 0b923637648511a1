package dev.panagrad.train.rows;

import dev.panagrad.data.Dataset;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;

/**
 * Where the rows of a training come from.
 *
 * @param data features and targets
 * @param file what it is called, or null for data of the caller
 * @param mapped the file's rows [n, d + k], or null
 * @param units what was done to the file's rows, or null
 * @param fingerprint a text that differs where the file's rows do, or null
 */
public record RowSource(
    Dataset data, String file, Tensor mapped, Standardization units, String fingerprint) {
  public static RowSource of(Dataset data) {
    return new RowSource(data, null, null, null, null);
  }

  public boolean isFile() {
    return file != null;
  }
}
