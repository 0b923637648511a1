package dev.panagrad.data.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.file.HeapShare;
import java.util.ArrayList;
import java.util.List;

/** The entries of a dictionary, on the heap, of which it takes no more than its share. */
final class ArrowDictionary implements Table.Values {
  private static final int ENTRY_BYTES = 64;

  private final List<Object> entries = new ArrayList<>(); // a Double, a String, or null
  private final HeapShare heap;

  ArrowDictionary(HeapShare heap) {
    this.heap = heap;
  }

  int size() {
    return entries.size();
  }

  @Override
  public void number(long row, int selected, double value) {
    add(value, 0);
  }

  @Override
  public void text(long row, int selected, String text) {
    add(text, text.length());
  }

  @Override
  public void missing(long row, int selected) {
    add(null, 0);
  }

  private void add(Object entry, long characters) {
    heap.take(ENTRY_BYTES + Character.BYTES * characters);
    entries.add(entry);
  }

  /** Hands over the entry at a place for a row; a DataException if there is none. */
  void hand(double place, long row, int selected, Table.Values into) {
    if (!(place >= 0 && place < entries.size())) {
      throw new DataException(
          "row %,d: entry %,.0f of a dictionary of %,d".formatted(row + 1, place, entries.size()));
    }
    switch (entries.get((int) place)) {
      case Double number -> into.number(row, selected, number);
      case String text -> into.text(row, selected, text);
      case null, default -> into.missing(row, selected);
    }
  }
}
