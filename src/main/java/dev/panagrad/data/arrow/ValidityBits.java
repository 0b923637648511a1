package dev.panagrad.data.arrow;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** Which rows of a batch have a value in a column, row by row: a bit for each, the lowest first. */
final class ValidityBits implements AutoCloseable {
  /** Every row has one. */
  static final ValidityBits ALL = new ValidityBits(InputStream.nullInputStream());

  private final InputStream in;
  private int bits;
  private int left;

  ValidityBits(InputStream in) {
    this.in = new BufferedInputStream(in);
  }

  /** True if the next row has a value. */
  boolean next() throws IOException {
    if (this == ALL) {
      return true;
    }
    if (left == 0) {
      bits = in.read();
      left = Byte.SIZE;
      if (bits < 0) {
        throw new EOFException("the bits that say which values are missing end early");
      }
    }
    boolean isValid = (bits & 1) != 0;
    bits >>= 1;
    left--;
    return isValid;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
