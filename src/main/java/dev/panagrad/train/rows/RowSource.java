package dev.panagrad.train.rows;

import dev.panagrad.data.Dataset;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;

/**
 * Where the rows of a training come from: data of the caller, or a file's, with what it is called,
 * its mapped rows [n, d + k], what was done to them, and a text that differs where they do.
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
