package dev.panagrad.data;

import dev.panagrad.safetensors.Excerpt;

/**
 * Data cannot be used; the message says where (file, line, column), what was found, and what to do.
 * Names and cells are the data's: what a terminal would obey in them is escaped.
 */
public sealed class DataException extends RuntimeException permits UnusableColumnsException {
  private static final long serialVersionUID = 1;

  public DataException(String message) {
    super(Excerpt.escaped(message));
  }

  public DataException(String message, Throwable cause) {
    super(Excerpt.escaped(message), cause);
  }
}
