package dev.panagrad.train;

import dev.panagrad.data.Dataset;
import dev.panagrad.data.TableReader;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.regression.ColumnException;
import dev.panagrad.regression.EncodingMetadata;
import dev.panagrad.regression.Standardization;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.safetensors.NameList;
import dev.panagrad.safetensors.SafetensorsBuilder;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.rows.RowSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Holds rows ready to be trained on, in a file that is mapped and never read into the heap: a
 * safetensors file whose last tensor begins at a page boundary.
 *
 * <pre>
 *   byte 0      8                    S                             a multiple of 4096
 *   | length L | header, JSON, pads | moments F64 [4, d + k]      | rows F32 or F64 [n, d + k] ... |
 *
 *   rows     | x1 x2 ... xd | y1 ... yk |   row 0    little-endian, row-major, without gaps
 *            | x1 x2 ... xd | y1 ... yk |   row 1
 *   moments  mean, rest of the mean, scale, 1 where constant: what was subtracted and divided by;
 *            0, 0, 1, 0 where rows are in raw units
 *
 *   metadata: format "panagrad.rows.1", features and targets as JSON lists of names, shifted "true"
 *             if means were subtracted, columns and classes that were encoded, crc32c.moments, crc32c.rows, crc32c.__header__
 * </pre>
 *
 * <p>NumPy maps the rows with {@code numpy.memmap}, and Python's safetensors reads them.
 *
 * <p>Ownership: the mapping lives until the file is closed. It must not be made shorter meanwhile,
 * which ends the process.
 */
public final class TrainingFile implements AutoCloseable {
  private static final String FORMAT = "format";
  private static final String VERSION = "panagrad.rows.1";
  private static final String FEATURES = "features";
  private static final String TARGETS = "targets";
  private static final String SHIFTED = "shifted";
  private static final String ROWS = "rows";
  private static final String MOMENTS = "moments";

  private final Path path;
  private final TensorArena arena;
  private final Dataset dataset;
  private final Tensor rows;
  private final Standardization standardization;
  private final boolean isShifted;
  private final String fingerprint;

  private TrainingFile(Path path, SafetensorsFile in, TensorArena arena) throws IOException {
    this.path = path;
    this.arena = arena;
    List<String> features = names(in, FEATURES);
    List<String> targets = names(in, TARGETS);
    int d = features.size();
    int k = targets.size();
    rows = in.map(arena, ROWS);
    Tensor moments = in.read(arena, MOMENTS);
    boolean fits = rows.shape().rank() == 2 && rows.cols() == (long) d + k;
    requireFits(fits && rows.dtype().isFloating() && d > 0 && k > 0, ROWS, rows);
    fits = moments.shape().equals(Shape.of(4, rows.cols()));
    requireFits(fits && moments.dtype() == DType.F64, MOMENTS, moments);
    require(rows.rows() > 0, "it has no rows");
    requireMoments(moments);
    Set<String> names = new HashSet<>(features);
    names.addAll(targets);
    require(names.size() == d + k, "it has columns of the same name");
    TableEncoding encoding = EncodingMetadata.get(in.metadata(), k);
    require(
        encoding == null || encoding.features().equals(features),
        "its encoding is not of its features");
    dataset = new Dataset(features, targets, rows.columns(0, d), rows.columns(d, k), encoding);
    standardization = Standardization.of(moments, d);
    String shifted = in.metadata().get(SHIFTED);
    isShifted = "true".equals(shifted);
    require(
        isShifted || "false".equals(shifted),
        "metadata '%s' is %s where true or false is needed".formatted(SHIFTED, quoted(shifted)));
    fingerprint = "CRC-32C of the rows " + in.metadata().get("crc32c." + ROWS);
  }

  private void require(boolean isSo, String fault) throws IOException {
    if (!isSo) {
      throw new IOException("'%s': %s".formatted(Excerpt.of(path), fault));
    }
  }

  private void requireFits(boolean isSo, String what, Tensor found) throws IOException {
    require(
        isSo,
        "%s are %s %s, which does not fit the names in its metadata"
            .formatted(what, found.dtype(), found.shape()));
  }

  private static String quoted(String text) {
    return text == null ? "missing" : "'" + Excerpt.of(text) + "'";
  }

  private void requireMoments(Tensor moments) throws IOException {
    for (long c = 0; c < moments.cols(); c++) {
      double mean = moments.get(0, c);
      double rest = moments.get(1, c);
      double scale = moments.get(2, c);
      double constant = moments.get(3, c);
      boolean isUsable = scale > 0 && Double.isFinite(scale) && Double.isFinite(mean + rest);
      require(
          isUsable && (constant == 0 || constant == 1),
          "column %,d has mean %s, rest %s, scale %s and constant %s: means must be finite, scales above 0, constant 0 or 1"
              .formatted(c + 1, mean, rest, scale, constant));
    }
  }

  private List<String> names(SafetensorsFile in, String key) throws IOException {
    String text = in.metadata().get(key);
    require(text != null, "it has no metadata '%s'".formatted(key));
    return NameList.parse(text, in.shape(ROWS).cols());
  }

  public static boolean isTrainingFile(Path file) {
    if (!file.toString().toLowerCase(Locale.ROOT).endsWith(".safetensors")) {
      return false;
    }
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      return VERSION.equals(in.metadata().get(FORMAT));
    } catch (IOException e) {
      return false; // what is wrong with it is said when it is read
    }
  }

  /** Maps a file. Its header and moments are checked against their sums, its rows are not read. */
  public static TrainingFile open(Path file) throws IOException {
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      String format = in.metadata().get(FORMAT);
      if (!VERSION.equals(format)) {
        throw new IOException(
            "'%s' is not a training file: its metadata '%s' is %s where '%s' is needed"
                .formatted(Excerpt.of(file), FORMAT, quoted(format), VERSION));
      }
      in.requireIntactHeader();
      TensorArena arena = TensorArena.open("training file");
      try {
        return new TrainingFile(file, in, arena);
      } catch (Throwable e) {
        arena.close();
        throw e;
      }
    }
  }

  /**
   * Says how rows are written: as they are; with means subtracted, divided by standard deviations;
   * or divided by root mean squares, for models without intercept.
   */
  public enum Units {
    RAW,
    STANDARDIZED,
    SCALED
  }

  /**
   * Writes the columns of a table that a reader chose, as rows of F32 or F64: two passes over the
   * table, and three over the file if rows are standardized. Several targets share one scale, so
   * that any penalty can be used later. The file is on the disk when the call returns, in place of
   * what was there.
   *
   * @throws IOException if it cannot be written, with the path and the bytes needed
   * @throws dev.panagrad.data.DataException as the table says
   */
  public static void write(Path file, TableReader reader, DType dtype, Units units)
      throws IOException {
    List<String> features = reader.featureNames();
    List<String> targets = reader.targetNames();
    int d = features.size();
    int k = targets.size();
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(FORMAT, VERSION);
    metadata.put(FEATURES, NameList.format(features));
    metadata.put(TARGETS, NameList.format(targets));
    metadata.put(SHIFTED, Boolean.toString(units == Units.STANDARDIZED));
    EncodingMetadata.put(reader.encoding(), metadata);
    List<SafetensorsBuilder.Space> spaces =
        List.of(
            new SafetensorsBuilder.Space(MOMENTS, DType.F64, Shape.of(4, d + k)),
            new SafetensorsBuilder.Space(ROWS, dtype, Shape.of(reader.rows(), d + k)));
    SafetensorsBuilder.write(
        file,
        metadata,
        spaces,
        tensors -> {
          Tensor rows = tensors.get(1);
          reader.read(dtype, rows::set);
          Standardization fit = Standardization.none(d, k);
          if (units != Units.RAW) {
            Tensor x = rows.columns(0, d);
            Tensor y = rows.columns(d, k);
            boolean isShifted = units == Units.STANDARDIZED;
            try {
              fit = Standardization.fit(x, y, null, rows.rows(), isShifted);
            } catch (ColumnException e) {
              throw e.named(x, reader.featureNames(), reader.targetNames());
            }
            fit = k > 1 ? fit.withCommonTargetScale() : fit;
            fit.applyInPlace(x, y);
          }
          fit.writeTo(tensors.get(0));
        });
  }

  /** Returns features [n, d] and targets [n, k], read-only views of the mapped rows. */
  public Dataset dataset() {
    return dataset;
  }

  /** Returns the mapped rows [n, d + k]. */
  public Tensor rows() {
    return rows;
  }

  /** Returns what was done to the rows when they were written. */
  public Standardization standardization() {
    return standardization;
  }

  /** Reads all rows once; throws if they are not those that were written. */
  public void requireIntactRows() throws IOException {
    try (SafetensorsFile in = SafetensorsFile.open(path)) {
      in.requireIntact(ROWS);
    }
  }

  /** True if means were subtracted: the model then needs an intercept in raw units. */
  public boolean isShifted() {
    return isShifted;
  }

  RowSource source() {
    return new RowSource(dataset, toString(), rows, standardization, fingerprint);
  }

  @Override
  public String toString() {
    return "training file '" + path + "'";
  }

  @Override
  public void close() {
    arena.close();
  }
}
