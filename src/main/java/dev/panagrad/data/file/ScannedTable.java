package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import java.util.List;

/** A table whose file is read once for its columns and rows, when they are asked for. */
public abstract class ScannedTable implements Table {
  private final String name;
  private Layout layout;
  private Runnable closing = () -> {};

  /** What the file says of its columns and rows. */
  public record Layout(List<String> columns, long rows) {}

  protected ScannedTable(String name) {
    this.name = name;
  }

  /** Reads columns and rows. */
  protected abstract Layout scan();

  protected final Layout layout() {
    if (layout == null) {
      layout = scan();
    }
    return layout;
  }

  /** Lets the file be scanned anew, by other options. */
  protected final void rescan() {
    layout = null;
  }

  protected final DataException changed() {
    return new DataException(name + " changed while it was read");
  }

  /** What else is closed with this table. */
  public final void onClose(Runnable further) {
    closing = further;
  }

  @Override
  public void close() {
    Runnable once = closing;
    closing = () -> {};
    once.run();
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final List<String> columns() {
    return layout().columns;
  }

  @Override
  public boolean hasNames() {
    return true;
  }

  @Override
  public final long rows() {
    return layout().rows;
  }
}
