package dev.panagrad.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes as numbers and texts, of which something is made that bytes alone would hardly be. */
final class Choices {
  private final byte[] bytes;
  private int position;

  Choices(byte[] bytes) {
    this.bytes = bytes;
  }

  /** From 0 to below a bound; 0 where no bytes are left. */
  int below(int bound) {
    if (position == bytes.length) {
      return 0;
    }
    int value = bytes[position] & 0xFF;
    position++;
    return value % bound;
  }

  /** Bytes up to the next zero. */
  byte[] piece() {
    int from = position;
    while (position < bytes.length && bytes[position] != 0) {
      position++;
    }
    byte[] piece = Arrays.copyOfRange(bytes, from, position);
    position = Math.min(bytes.length, position + 1);
    return piece;
  }

  /** Text up to the next zero. */
  String text() {
    return new String(piece(), StandardCharsets.UTF_8);
  }

  /** What is left. */
  byte[] rest() {
    byte[] rest = Arrays.copyOfRange(bytes, position, bytes.length);
    position = bytes.length;
    return rest;
  }
}
