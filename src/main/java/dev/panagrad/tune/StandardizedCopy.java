package dev.panagrad.tune;

import dev.panagrad.data.Dataset;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * A second copy of the data, as training standardizes in place: the caller's rows stay as they are,
 * and every trial begins from them.
 *
 * <p>Ownership: the copy belongs to the arena.
 */
final class StandardizedCopy {
  private final Dataset original;
  private final Dataset copy;

  StandardizedCopy(Dataset original, TensorArena arena) {
    this.original = original;
    Tensor x = original.x();
    Tensor y = original.y();
    copy =
        new Dataset(
            original.features(),
            original.targets(),
            arena.allocate("features of a trial", x.dtype(), x.shape()),
            arena.allocate("targets of a trial", y.dtype(), y.shape()));
  }

  /** The copy, in raw units. */
  Dataset raw() {
    copy.x().copyFrom(original.x());
    copy.y().copyFrom(original.y());
    return copy;
  }

  /** The copy, standardized as training does it. */
  Dataset standardized() {
    Dataset data = raw();
    units().applyInPlace(data.x(), data.y());
    return data;
  }

  /** Means and deviations of the original. */
  Standardization units() {
    return Standardization.fit(original.x(), original.y(), null, original.rows(), true);
  }
}
