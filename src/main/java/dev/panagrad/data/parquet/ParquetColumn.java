package dev.panagrad.data.parquet;

import dev.hardwood.metadata.LogicalType;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.metadata.RepetitionType;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.schema.ColumnSchema;
import dev.hardwood.schema.SchemaNode;
import dev.panagrad.data.TableOptions;
import dev.panagrad.data.TableOptions.Dates;
import dev.panagrad.data.TableOptions.Setting;
import dev.panagrad.data.file.Decimals;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.function.IntToDoubleFunction;

/**
 * A column of a Parquet file.
 *
 * @param schema null of a group
 * @param isText true if it is read as texts
 * @param notNumbers why it is not read as numbers; null if it is
 * @param dates the unit of its dates or timestamps; null for days
 */
record ParquetColumn(ColumnSchema schema, boolean isText, String notNumbers, Dates dates) {
  private static final double SECONDS_OF_DAY = 86_400;

  private static final int MAX_DECIMAL_BYTES = 32;

  /** A column of the schema's first level; its leaf is null if it is a group. */
  static ParquetColumn of(SchemaNode node, ColumnSchema leaf, TableOptions options) {
    if (leaf == null) {
      return new ParquetColumn(null, false, "is nested; give it columns of its own", null);
    }
    if (node.repetitionType() == RepetitionType.REPEATED || leaf.maxRepetitionLevel() > 0) {
      return new ParquetColumn(leaf, false, "is repeated; give it columns of its own", null);
    }
    boolean isTime = isTimestamp(leaf);
    boolean isNumber = isTime ? options.dates() != null : isNumber(leaf);
    String when = isTime ? ", and timestamps by " + options.names().apply(Setting.DATES) : "";
    String refusal = isNumber ? null : notNumeric(leaf) + when;
    return new ParquetColumn(leaf, isText(leaf), refusal, options.dates());
  }

  /** Why it is not read; null if it is. */
  String refusal() {
    return isText ? null : notNumbers;
  }

  /** Bytes without a type are texts to the writers that leave it out. */
  private static boolean isText(ColumnSchema leaf) {
    LogicalType logical = leaf.logicalType();
    return leaf.type() == PhysicalType.BYTE_ARRAY
        && (logical == null
            || logical instanceof LogicalType.StringType
            || logical instanceof LogicalType.EnumType
            || logical instanceof LogicalType.JsonType);
  }

  private static String notNumeric(ColumnSchema leaf) {
    LogicalType logical = leaf.logicalType();
    String type =
        logical == null
            ? leaf.type().name()
            : logical.getClass().getSimpleName().replaceFirst("Type$", "") + " of " + leaf.type();
    return "has type " + type + "; only numbers, truth values, decimals and dates are read";
  }

  private static boolean isTimestamp(ColumnSchema leaf) {
    return leaf.type() == PhysicalType.INT64
        && leaf.logicalType() instanceof LogicalType.TimestampType;
  }

  private static boolean isNumber(ColumnSchema leaf) {
    LogicalType logical = leaf.logicalType();
    return switch (leaf.type()) {
      case FLOAT, DOUBLE, BOOLEAN -> logical == null;
      case INT32 ->
          logical == null
              || logical instanceof LogicalType.IntType
              || logical instanceof LogicalType.DateType
              || logical instanceof LogicalType.DecimalType;
      case INT64 ->
          logical == null
              || logical instanceof LogicalType.IntType
              || logical instanceof LogicalType.DecimalType;
      case FIXED_LEN_BYTE_ARRAY -> {
        int width = leaf.typeLength() == null ? 0 : leaf.typeLength();
        yield (logical instanceof LogicalType.Float16Type && width == Short.BYTES)
            || (logical instanceof LogicalType.DecimalType
                && width > 0
                && width <= MAX_DECIMAL_BYTES);
      }
      default -> false;
    };
  }

  /** The value of each row of the batch that the reader is at. */
  IntToDoubleFunction values(ColumnReader reader) {
    return switch (schema.type()) {
      case FLOAT -> {
        float[] batch = reader.getFloats();
        yield row -> batch[row];
      }
      case DOUBLE -> {
        double[] batch = reader.getDoubles();
        yield row -> batch[row];
      }
      case BOOLEAN -> {
        boolean[] batch = reader.getBooleans();
        yield row -> batch[row] ? 1 : 0;
      }
      case INT32 -> ints(reader.getInts());
      case INT64 -> longs(reader.getLongs());
      default -> fixed(reader.getBinaryValues(), reader.getBinaryOffsets());
    };
  }

  private IntToDoubleFunction ints(int[] batch) {
    if (schema.logicalType() instanceof LogicalType.DateType && dates != null) {
      return row -> dates.of(batch[row] * SECONDS_OF_DAY);
    }
    if (schema.logicalType() instanceof LogicalType.DecimalType decimal) {
      return row -> Decimals.nearest(batch[row], decimal.scale());
    }
    if (schema.logicalType() instanceof LogicalType.IntType type && !type.isSigned()) {
      return row -> Integer.toUnsignedLong(batch[row]);
    }
    return row -> batch[row];
  }

  private IntToDoubleFunction longs(long[] batch) {
    if (schema.logicalType() instanceof LogicalType.TimestampType time) {
      double second =
          switch (time.unit()) {
            case MILLIS -> 1e3;
            case MICROS -> 1e6;
            case NANOS -> 1e9;
          };
      return row -> dates.of(batch[row] / second);
    }
    if (schema.logicalType() instanceof LogicalType.DecimalType decimal) {
      return row -> Decimals.nearest(batch[row], decimal.scale());
    }
    if (schema.logicalType() instanceof LogicalType.IntType type && !type.isSigned()) {
      return row -> Decimals.unsigned(batch[row]);
    }
    return row -> batch[row];
  }

  private IntToDoubleFunction fixed(byte[] batch, int[] offsets) {
    if (schema.logicalType() instanceof LogicalType.DecimalType decimal) {
      return row -> {
        BigInteger unscaled = new BigInteger(batch, offsets[row], offsets[row + 1] - offsets[row]);
        return new BigDecimal(unscaled, decimal.scale()).doubleValue();
      };
    }
    return row ->
        Float.float16ToFloat(
            (short) ((batch[offsets[row]] & 0xFF) | (batch[offsets[row] + 1] << Byte.SIZE)));
  }
}
