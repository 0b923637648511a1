package dev.panagrad.data.parquet;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads values of Thrift's compact protocol, in which Parquet keeps its metadata, from bytes that
 * may say anything: no length is believed beyond the bytes that are there, and structs nest only so
 * deep.
 *
 * <pre>
 *   field   | id delta : 4 bits | type : 4 bits |   id delta 0: a zigzag varint id follows
 *   list    | size : 4 bits | type : 4 bits |       size 15: a varint size follows
 *   binary  | varint length | bytes |
 *   struct  | field | value | field | value ... | 0 |
 * </pre>
 *
 * Source: Apache Thrift, thrift-compact-protocol.md.
 */
final class ThriftReader {
  static final int TRUE = 1;
  static final int FALSE = 2;
  static final int BYTE = 3;
  static final int I16 = 4;
  static final int I32 = 5;
  static final int I64 = 6;
  static final int DOUBLE = 7;
  static final int BINARY = 8;
  static final int LIST = 9;
  static final int SET = 10;
  static final int STRUCT = 12;
  static final int MAX_DEPTH = 16; // deeper than any struct of the format
  private final ByteBuffer bytes;

  /** Bytes that break the protocol. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  ThriftReader(ByteBuffer bytes) {
    this.bytes = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  int position() {
    return bytes.position();
  }

  int readByte() throws MalformedException {
    need(1);
    return bytes.get() & 0xFF;
  }

  private void need(long count) throws MalformedException {
    if (count < 0 || count > bytes.remaining()) {
      throw new MalformedException(
          "%s bytes are announced at byte %,d, and %,d are left"
              .formatted(Long.toUnsignedString(count), bytes.position(), (long) bytes.remaining()));
    }
  }

  private long varint() throws MalformedException {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      long b = readByte();
      value |= (b & 0x7F) << shift;
      if (b < 0x80) {
        return value;
      }
    }
    throw new MalformedException(
        "a number at byte %,d has more than 64 bits".formatted(bytes.position()));
  }

  long readI64() throws MalformedException {
    long n = varint();
    return (n >>> 1) ^ -(n & 1);
  }

  int readI32() throws MalformedException {
    long value = readI64();
    if (value != (int) value) {
      throw new MalformedException(
          "%d before byte %,d is no number of 32 bits".formatted(value, bytes.position()));
    }
    return (int) value;
  }

  /** The bytes themselves, not a copy. */
  ByteBuffer readBinary() throws MalformedException {
    long length = varint();
    need(length);
    ByteBuffer found = bytes.slice(bytes.position(), (int) length);
    bytes.position(bytes.position() + (int) length);
    return found;
  }

  /** A field, as {@code id << 4 | type}; 0 at the end of a struct. lastId is 0 at its start. */
  int readField(int lastId) throws MalformedException {
    int header = readByte();
    if (header == 0) {
      return 0;
    }
    int type = header & 0xF;
    int delta = header >>> 4;
    int id = delta == 0 ? readI32() : lastId + delta;
    if (id < 0 || id > Short.MAX_VALUE || type < TRUE || type > STRUCT) {
      throw new MalformedException(
          "field %d of type %d before byte %,d is none".formatted(id, type, bytes.position()));
    }
    return id << 4 | type;
  }

  /** A list's {@code size << 4 | type of elements}, of which each takes a byte or more. */
  long readList() throws MalformedException {
    long header = readByte();
    long size = header >>> 4;
    if (size == 0xF) {
      size = varint();
    }
    need(size);
    return size << 4 | (header & 0xF);
  }

  /** Passes over a value; refuses maps and lists of truth values, whose length readers dispute. */
  void skip(int type, int depth) throws MalformedException {
    switch (type) {
      case TRUE, FALSE -> {}
      case BYTE -> readByte();
      case I16, I32, I64 -> readI64();
      case DOUBLE -> {
        need(Double.BYTES);
        bytes.position(bytes.position() + Double.BYTES);
      }
      case BINARY -> readBinary();
      case LIST, SET -> {
        long list = readList();
        int element = (int) (list & 0xF);
        if (element == TRUE || element == FALSE) {
          throw new MalformedException(
              "a list of truth values before byte %,d".formatted(bytes.position()));
        }
        for (long i = list >>> 4; i > 0; i--) {
          skip(element, deeper(depth));
        }
      }
      case STRUCT -> {
        int id = 0;
        int field;
        while ((field = readField(id)) != 0) {
          id = field >>> 4;
          skip(field & 0xF, deeper(depth));
        }
      }
      default ->
          throw new MalformedException(
              "a value of type %d before byte %,d".formatted(type, bytes.position()));
    }
  }

  private int deeper(int depth) throws MalformedException {
    if (depth >= MAX_DEPTH) {
      throw new MalformedException(
          "structs nest deeper than %d at byte %,d".formatted(MAX_DEPTH, bytes.position()));
    }
    return depth + 1;
  }
}
