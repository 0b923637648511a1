package dev.panagrad.backend.cuda;

/**
 * The gradient of a batch, summed over parts of its rows that come one after the other: the whole
 * batch where it is on the device, else as much as an upload holds. The sums do not depend on how a
 * batch is cut, as long as each part but the last is a multiple of {@link #unit} rows.
 */
interface GradientSum extends RowUploads.Part {
  /** Rows that are never divided between parts. */
  long unit();

  /** Writes gradient and loss. */
  void finish();
}
