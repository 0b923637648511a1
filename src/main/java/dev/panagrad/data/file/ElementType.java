package dev.panagrad.data.file;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A type of numbers in files, at any address; integers of over 53 bits are rounded to doubles. */
public enum ElementType {
  /** A byte: 0 is false, all others are true and read as 1. */
  BOOL("b1"),
  INT8("i1"),
  INT16("i2"),
  INT32("i4"),
  INT64("i8"),
  UINT8("u1"),
  UINT16("u2"),
  UINT32("u4"),
  UINT64("u8"),
  /** IEEE 754 binary16. */
  FLOAT16("f2"),
  FLOAT32("f4"),
  FLOAT64("f8"),
  /** The upper half of a FLOAT32; NumPy has no letter for it. */
  BFLOAT16("-2");

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String code;
  private final int bytes;

  ElementType(String code) {
    this.code = code;
    bytes = code.charAt(1) - '0';
  }

  /** The type of NumPy's letter for its kind and digit for its bytes; null if there is none. */
  public static ElementType of(String code) {
    return Arrays.stream(values()).filter(type -> type.code.equals(code)).findFirst().orElse(null);
  }

  public int bytes() {
    return bytes;
  }

  /** An element at that byte as a double; in big-endian order its highest byte is first. */
  public double get(MemorySegment memory, long at, boolean bigEndian) {
    return switch (this) {
      case BOOL -> memory.get(ValueLayout.JAVA_BYTE, at) == 0 ? 0 : 1;
      case INT8 -> memory.get(ValueLayout.JAVA_BYTE, at);
      case UINT8 -> Byte.toUnsignedInt(memory.get(ValueLayout.JAVA_BYTE, at));
      case INT16 -> twoBytes(memory, at, bigEndian);
      case UINT16 -> Short.toUnsignedInt(twoBytes(memory, at, bigEndian));
      case FLOAT16 -> Float.float16ToFloat(twoBytes(memory, at, bigEndian));
      case BFLOAT16 -> Float.intBitsToFloat(twoBytes(memory, at, bigEndian) << Short.SIZE);
      case INT32 -> fourBytes(memory, at, bigEndian);
      case UINT32 -> Integer.toUnsignedLong(fourBytes(memory, at, bigEndian));
      case FLOAT32 -> Float.intBitsToFloat(fourBytes(memory, at, bigEndian));
      case INT64 -> (double) eightBytes(memory, at, bigEndian);
      case UINT64 -> Decimals.unsigned(eightBytes(memory, at, bigEndian));
      case FLOAT64 -> Double.longBitsToDouble(eightBytes(memory, at, bigEndian));
    };
  }

  /** Reads a row that begins at that byte: the element of each offset. */
  public void get(MemorySegment memory, long row, boolean bigEndian, int[] offsets, double[] into) {
    if (this == FLOAT32 && !bigEndian) {
      for (int i = 0; i < into.length; i++) {
        into[i] = Float.intBitsToFloat(memory.get(INT, row + offsets[i]));
      }
    } else if (this == FLOAT64 && !bigEndian) {
      for (int i = 0; i < into.length; i++) {
        into[i] = Double.longBitsToDouble(memory.get(LONG, row + offsets[i]));
      }
    } else {
      for (int i = 0; i < into.length; i++) {
        into[i] = get(memory, row + offsets[i], bigEndian);
      }
    }
  }

  private static short twoBytes(MemorySegment memory, long at, boolean bigEndian) {
    short bits = memory.get(SHORT, at);
    return bigEndian ? Short.reverseBytes(bits) : bits;
  }

  private static int fourBytes(MemorySegment memory, long at, boolean bigEndian) {
    int bits = memory.get(INT, at);
    return bigEndian ? Integer.reverseBytes(bits) : bits;
  }

  private static long eightBytes(MemorySegment memory, long at, boolean bigEndian) {
    long bits = memory.get(LONG, at);
    return bigEndian ? Long.reverseBytes(bits) : bits;
  }
}
