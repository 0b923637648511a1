package dev.panagrad.tensor;

import java.util.Arrays;

/**
 * Holds the extents of a tensor, outermost first. It is immutable. Every extent and the element
 * count are {@code long}; a shape whose element count does not fit in 63 bits cannot be built.
 */
public final class Shape {
  private final long[] extents;
  private final long count;
  private final long cols;

  private Shape(long[] extents, long count) {
    this.extents = extents;
    this.count = count;
    // Without rows, elements per row may be too many.
    this.cols = product(extents, 1, Long.MAX_VALUE);
  }

  /**
   * Returns the shape with these extents; throws IllegalArgumentException if there is none, one is
   * negative, or their product exceeds 2^63 - 1.
   */
  public static Shape of(long... extents) {
    if (extents.length == 0) {
      throw new IllegalArgumentException(
          "a shape needs at least one extent; use Shape.of(1) for a scalar");
    }
    long[] copy = extents.clone();
    for (long extent : copy) {
      if (extent < 0) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(copy) + " has a negative extent " + extent);
      }
    }
    long count = product(copy, 0, -1);
    if (count < 0) {
      throw new IllegalArgumentException(
          "shape " + Arrays.toString(copy) + " has more than 2^63 - 1 elements");
    }
    return new Shape(copy, count);
  }

  private static long product(long[] extents, int first, long tooMany) {
    long product = 1;
    for (int i = first; i < extents.length; i++) {
      if (extents[i] == 0) {
        return 0;
      }
      boolean fits = product > 0 && Math.multiplyHigh(product, extents[i]) == 0;
      product = fits ? product * extents[i] : -1;
    }
    return product < 0 ? tooMany : product;
  }

  public int rank() {
    return extents.length;
  }

  /** Returns the extent of one dimension; 0 is the outermost. */
  public long extent(int dimension) {
    if (dimension < 0 || dimension >= extents.length) {
      throw new IndexOutOfBoundsException(
          "shape %s has %d extents: there is no extent %d"
              .formatted(this, extents.length, dimension));
    }
    return extents[dimension];
  }

  public long count() {
    return count;
  }

  /** Returns the outermost extent: rows of a matrix, length of a vector. */
  public long rows() {
    return extents[0];
  }

  /**
   * Returns the elements per row: the product of all extents but the outermost, 1 for a vector;
   * where there are no rows, at most 2^63 - 1.
   */
  public long cols() {
    return cols;
  }

  /** Returns the bytes of these elements; throws IllegalArgumentException above 2^63 - 1. */
  public long bytes(DType dtype) {
    if (count > Long.MAX_VALUE / dtype.bytes()) {
      throw new IllegalArgumentException(
          "shape " + this + " of " + dtype + " takes more than 2^63 - 1 bytes");
    }
    return count * dtype.bytes();
  }

  /** Returns the same shape with another outermost extent. */
  public Shape withRows(long rows) {
    long[] copy = extents.clone();
    copy[0] = rows;
    return of(copy);
  }

  /** Returns the extents, outermost first. */
  public long[] extents() {
    return extents.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  @Override
  public String toString() {
    return Arrays.toString(extents);
  }
}
