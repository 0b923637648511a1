package dev.panagrad.data.arrow;

import dev.panagrad.data.file.Decimals;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteOrder;
import org.apache.arrow.flatbuf.Date;
import org.apache.arrow.flatbuf.DateUnit;
import org.apache.arrow.flatbuf.Decimal;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.Precision;
import org.apache.arrow.flatbuf.Type;

/** A column of an Arrow file as numbers, or why it is none. */
final class ArrowColumn {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String name;
  private final int bits;
  private final Values values;
  private final String refusal;

  /** Numbers in memory. */
  @FunctionalInterface
  interface Values {
    /** The number of that index. */
    double get(MemorySegment data, long index);
  }

  private ArrowColumn(String name, int bits, Values values, String refusal) {
    this.name = name;
    this.bits = bits;
    this.values = values;
    this.refusal = refusal;
  }

  static ArrowColumn of(Field field) {
    String name = field.name() == null ? "" : field.name();
    if (field.dictionary() != null) {
      return refused(name, "is encoded by a dictionary; write its values themselves");
    }
    return switch (field.typeType()) {
      case Type.Bool -> new ArrowColumn(name, 1, ArrowColumn::bit, null);
      case Type.Int -> integer(name, (Int) field.type(new Int()));
      case Type.FloatingPoint ->
          floating(name, ((FloatingPoint) field.type(new FloatingPoint())).precision());
      case Type.Decimal -> decimal(name, (Decimal) field.type(new Decimal()));
      case Type.Date -> date(name, ((Date) field.type(new Date())).unit());
      case Type.Null -> refused(name, "has no values");
      case Type.List,
          Type.LargeList,
          Type.ListView,
          Type.LargeListView,
          Type.FixedSizeList,
          Type.Struct_,
          Type.Map,
          Type.Union ->
          refused(
              name, "is nested (" + Type.name(field.typeType()) + "); give it columns of its own");
      default -> refused(name, notNumeric(Type.name(field.typeType())));
    };
  }

  private static String notNumeric(String type) {
    return "has type " + type + "; only numbers, truth values, decimals and dates are read";
  }

  private static ArrowColumn refused(String name, String refusal) {
    return new ArrowColumn(name, 0, null, refusal);
  }

  /** Truth values from a bitmap; validity is one, too. */
  static double bit(MemorySegment data, long i) {
    return (data.get(ValueLayout.JAVA_BYTE, i >>> 3) >> (i & 7)) & 1;
  }

  private static ArrowColumn integer(String name, Int type) {
    boolean signed = type.isSigned();
    Values values =
        switch (type.bitWidth()) {
          case 8 ->
              signed
                  ? (data, i) -> data.get(ValueLayout.JAVA_BYTE, i)
                  : (data, i) -> data.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
          case 16 ->
              signed
                  ? (data, i) -> data.get(SHORT, i * Short.BYTES)
                  : (data, i) -> data.get(SHORT, i * Short.BYTES) & 0xFFFF;
          case 32 ->
              signed
                  ? (data, i) -> data.get(INT, i * Integer.BYTES)
                  : (data, i) -> Integer.toUnsignedLong(data.get(INT, i * Integer.BYTES));
          case 64 ->
              signed
                  ? (data, i) -> data.get(LONG, i * Long.BYTES)
                  : (data, i) -> Decimals.unsigned(data.get(LONG, i * Long.BYTES));
          default -> null;
        };
    return values == null
        ? refused(name, notNumeric("Int of " + type.bitWidth() + " bits"))
        : new ArrowColumn(name, type.bitWidth(), values, null);
  }

  private static ArrowColumn floating(String name, short precision) {
    return switch (precision) {
      case Precision.HALF ->
          new ArrowColumn(
              name,
              Short.SIZE,
              (data, i) -> Float.float16ToFloat(data.get(SHORT, i * Short.BYTES)),
              null);
      case Precision.SINGLE ->
          new ArrowColumn(name, Float.SIZE, (data, i) -> data.get(FLOAT, i * Float.BYTES), null);
      case Precision.DOUBLE ->
          new ArrowColumn(name, Double.SIZE, (data, i) -> data.get(DOUBLE, i * Double.BYTES), null);
      default -> refused(name, notNumeric("FloatingPoint of precision " + precision));
    };
  }

  private static ArrowColumn date(String name, short unit) {
    return unit == DateUnit.DAY
        ? new ArrowColumn(name, Integer.SIZE, (data, i) -> data.get(INT, i * Integer.BYTES), null)
        : refused(name, notNumeric("Date in milliseconds"));
  }

  private static ArrowColumn decimal(String name, Decimal type) {
    int scale = type.scale();
    return switch (type.bitWidth()) {
      case Integer.SIZE ->
          new ArrowColumn(
              name,
              Integer.SIZE,
              (data, i) -> Decimals.nearest(data.get(INT, i * Integer.BYTES), scale),
              null);
      case Long.SIZE ->
          new ArrowColumn(
              name,
              Long.SIZE,
              (data, i) -> Decimals.nearest(data.get(LONG, i * Long.BYTES), scale),
              null);
      case 128, 256 -> {
        int bytes = type.bitWidth() / Byte.SIZE;
        yield new ArrowColumn(
            name,
            type.bitWidth(),
            (data, i) -> new BigDecimal(wide(data, i * bytes, bytes), scale).doubleValue(),
            null);
      }
      default -> refused(name, notNumeric("Decimal of " + type.bitWidth() + " bits"));
    };
  }

  /** A number of many bytes, the last of which is the highest. */
  private static BigInteger wide(MemorySegment data, long at, int bytes) {
    byte[] bigEndian = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      bigEndian[bytes - 1 - i] = data.get(ValueLayout.JAVA_BYTE, at + i);
    }
    return new BigInteger(bigEndian);
  }

  String name() {
    return name;
  }

  /** Bits of a value. */
  int bits() {
    return bits;
  }

  /** Reads a value. */
  Values values() {
    return values;
  }

  /** Why it cannot be read, or null. */
  String refusal() {
    return refusal;
  }
}
