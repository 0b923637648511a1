package dev.panagrad.backend.cuda;

/**
 * The gradient of a batch, summed over parts of its rows that come one after the other: the whole
 * batch where it is on the device, else as much as an upload holds. The sums do not depend on how a
 * batch is cut, as long as each part but the last is a multiple of {@link #unit} rows.
 */
interface GradientSum {
  /** Rows that are never divided between parts. */
  long unit();

  /** Starts a batch. */
  void begin();

  /**
   * Adds rows {@code [first, first + rows)} of X and y, or of the index.
   *
   * @param x device address of X
   * @param xStride elements between rows
   * @param y device address of y
   * @param yStride elements between rows
   * @param index device address of row numbers, or 0
   * @param first first position
   * @param rows number of positions
   * @param done positions of the batch that were added before
   */
  void add(
      long x, long xStride, long y, long yStride, long index, long first, long rows, long done);

  /** Writes gradient and loss. */
  void finish();
}
