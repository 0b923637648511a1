package dev.panagrad.data.arrow;

import dev.panagrad.data.TableOptions;
import dev.panagrad.data.TableOptions.Dates;
import dev.panagrad.data.TableOptions.Setting;
import dev.panagrad.data.file.Decimals;
import dev.panagrad.data.file.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.BigInteger;
import org.apache.arrow.flatbuf.Date;
import org.apache.arrow.flatbuf.DateUnit;
import org.apache.arrow.flatbuf.Decimal;
import org.apache.arrow.flatbuf.DictionaryEncoding;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.Precision;
import org.apache.arrow.flatbuf.TimeUnit;
import org.apache.arrow.flatbuf.Timestamp;
import org.apache.arrow.flatbuf.Type;

/**
 * A column of an Arrow file.
 *
 * @param bits of a value; 0 if it has none
 * @param values its numbers, or where its texts end; null if it has none
 * @param isRead false if it is neither of numbers nor of texts
 * @param notNumbers why it is not read as numbers; null if it is
 * @param dictionary where its values are places in one; else null
 */
record ArrowColumn(
    String name,
    int bits,
    Values values,
    boolean isRead,
    String notNumbers,
    Dictionary dictionary) {
  /** A dictionary by its number in the file, and what its entries are. */
  record Dictionary(long id, ArrowColumn entries) {}

  private ArrowColumn(String name, int bits, Values values, boolean isRead, String notNumbers) {
    this(name, bits, values, isRead, notNumbers, null);
  }

  private static final double SECONDS_OF_DAY = 86_400;

  @FunctionalInterface
  interface Values {
    double get(MemorySegment data, long index);
  }

  /** The column that a field describes, with dates as the options say. */
  static ArrowColumn of(Field field, TableOptions options) {
    String name = field.name() == null ? "" : field.name();
    ArrowColumn column = plain(name, field, options);
    DictionaryEncoding encoding = field.dictionary();
    if (encoding == null || !column.isRead) {
      return column;
    }
    ArrowColumn places =
        encoding.indexType() == null
            ? of(name, ElementType.INT32)
            : integer(name, encoding.indexType());
    return new ArrowColumn(
        name,
        places.bits,
        places.values,
        places.isRead,
        places.isRead && column.notNumbers != null
            ? "is encoded by a dictionary, and " + column.notNumbers
            : places.notNumbers,
        new Dictionary(encoding.id(), column));
  }

  private static ArrowColumn plain(String name, Field field, TableOptions options) {
    return switch (field.typeType()) {
      case Type.Bool -> new ArrowColumn(name, 1, ArrowColumn::bit, true, null);
      case Type.Utf8, Type.LargeUtf8 -> text(name, field.typeType());
      case Type.Int -> integer(name, (Int) field.type(new Int()));
      case Type.FloatingPoint ->
          floating(name, ((FloatingPoint) field.type(new FloatingPoint())).precision());
      case Type.Decimal -> decimal(name, (Decimal) field.type(new Decimal()));
      case Type.Date ->
          ((Date) field.type(new Date())).unit() == DateUnit.DAY
              ? time(name, ElementType.INT32, SECONDS_OF_DAY, 1, options.dates())
              : time(name, ElementType.INT64, 1, 1e3, options.dates());
      case Type.Timestamp -> timestamp(name, (Timestamp) field.type(new Timestamp()), options);
      case Type.Null -> new ArrowColumn(name, 0, null, true, "has no values");
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

  private static ArrowColumn of(String name, ElementType type) {
    int bytes = type.bytes();
    return new ArrowColumn(
        name, bytes * Byte.SIZE, (data, i) -> type.get(data, i * bytes, false), true, null);
  }

  /** Times of that many seconds each, or of which that many are a second; in days without dates. */
  private static ArrowColumn time(
      String name, ElementType type, double seconds, double ofSecond, Dates dates) {
    Dates unit = dates == null ? Dates.DAYS : dates;
    Values raw = of(name, type).values;
    Values values = (data, i) -> unit.of(raw.get(data, i) * seconds / ofSecond);
    return new ArrowColumn(name, type.bytes() * Byte.SIZE, values, true, null);
  }

  private static ArrowColumn timestamp(String name, Timestamp type, TableOptions options) {
    if (options.dates() == null) {
      return refused(
          name,
          notNumeric("Timestamp") + ", and timestamps by " + options.names().apply(Setting.DATES));
    }
    return switch (type.unit()) {
      case TimeUnit.SECOND -> time(name, ElementType.INT64, 1, 1, options.dates());
      case TimeUnit.MILLISECOND -> time(name, ElementType.INT64, 1, 1e3, options.dates());
      case TimeUnit.MICROSECOND -> time(name, ElementType.INT64, 1, 1e6, options.dates());
      case TimeUnit.NANOSECOND -> time(name, ElementType.INT64, 1, 1e9, options.dates());
      default -> refused(name, notNumeric("Timestamp of unit " + type.unit()));
    };
  }

  private static ArrowColumn text(String name, byte type) {
    ElementType end = type == Type.Utf8 ? ElementType.INT32 : ElementType.INT64;
    ArrowColumn ends = of(name, end);
    return new ArrowColumn(name, ends.bits, ends.values, true, notNumeric(Type.name(type)));
  }

  boolean isText() {
    return isRead && dictionary == null && values != null && notNumbers != null;
  }

  /** Why it is not read; null if it is. */
  String refusal() {
    return isRead ? null : notNumbers;
  }

  private static String notNumeric(String type) {
    return "has type " + type + "; only numbers, truth values, decimals and dates are read";
  }

  private static ArrowColumn refused(String name, String refusal) {
    return new ArrowColumn(name, 0, null, false, refusal);
  }

  /** Truth values from a bitmap; validity is one, too. */
  static double bit(MemorySegment data, long i) {
    return (data.get(ValueLayout.JAVA_BYTE, i >>> 3) >> (i & 7)) & 1;
  }

  private static ArrowColumn integer(String name, Int type) {
    boolean signed = type.isSigned();
    return switch (type.bitWidth()) {
      case 8 -> of(name, signed ? ElementType.INT8 : ElementType.UINT8);
      case 16 -> of(name, signed ? ElementType.INT16 : ElementType.UINT16);
      case 32 -> of(name, signed ? ElementType.INT32 : ElementType.UINT32);
      case 64 -> of(name, signed ? ElementType.INT64 : ElementType.UINT64);
      default -> refused(name, notNumeric("Int of " + type.bitWidth() + " bits"));
    };
  }

  private static ArrowColumn floating(String name, short precision) {
    return switch (precision) {
      case Precision.HALF -> of(name, ElementType.FLOAT16);
      case Precision.SINGLE -> of(name, ElementType.FLOAT32);
      case Precision.DOUBLE -> of(name, ElementType.FLOAT64);
      default -> refused(name, notNumeric("FloatingPoint of precision " + precision));
    };
  }

  private static ArrowColumn decimal(String name, Decimal type) {
    int bits = type.bitWidth();
    int bytes = bits / Byte.SIZE;
    int scale = type.scale();
    Values values =
        switch (bits) {
          case 32, 64 ->
              (data, i) -> Decimals.nearest(wide(data, i * bytes, bytes).longValue(), scale);
          case 128, 256 ->
              (data, i) -> new BigDecimal(wide(data, i * bytes, bytes), scale).doubleValue();
          default -> null;
        };
    return values == null
        ? refused(name, notNumeric("Decimal of " + bits + " bits"))
        : new ArrowColumn(name, bits, values, true, null);
  }

  /** A number of many bytes, the last of which is the highest. */
  private static BigInteger wide(MemorySegment data, long at, int bytes) {
    byte[] bigEndian = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      bigEndian[bytes - 1 - i] = data.get(ValueLayout.JAVA_BYTE, at + i);
    }
    return new BigInteger(bigEndian);
  }
}
