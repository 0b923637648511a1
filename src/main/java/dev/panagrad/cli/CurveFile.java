package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.path.PathResult;
import dev.panagrad.tune.RateCurve;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes a curve as CSV: a regularization path by value, a range test by step. */
final class CurveFile {
  private CurveFile() {}

  /** Before anything is computed: a place where it cannot be written. */
  static void require(Path file, DataOptions data) {
    if (data.isFile(file)) {
      throw new UsageException("--curve " + file + " is the data file");
    }
    if (Files.isDirectory(file)) {
      throw new UsageException("--curve " + file + " is a directory; name a file");
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new UsageException("--curve " + file + ": there is no directory " + folder);
    }
  }

  static void write(Path file, RateCurve curve) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("rate", "smoothed_loss", "loss"));
    for (RateCurve.Point point : curve.points()) {
      rows.add(
          List.of(
              Double.toString(point.rate()),
              Double.toString(point.smoothed()),
              Double.toString(point.loss())));
    }
    write(file, rows);
  }

  static void write(Path file, PathResult result) {
    List<List<String>> rows = new ArrayList<>();
    List<String> header =
        new ArrayList<>(
            List.of(
                "value", "training_mse", "cv_mse", "cv_standard_error", "nonzero", "(intercept)"));
    header.addAll(result.features());
    rows.add(header);
    for (int i = 0; i < result.values().length; i++) {
      List<String> row = new ArrayList<>();
      row.add(Double.toString(result.values()[i]));
      row.add(Double.toString(result.trainingMse()[i]));
      row.add(Double.toString(result.validationMse()[i]));
      row.add(Double.toString(result.standardError()[i]));
      row.add(Integer.toString(result.nonzero(i)));
      row.add(Double.toString(result.intercepts()[i]));
      for (double coefficient : result.coefficients()[i]) {
        row.add(Double.toString(coefficient));
      }
      rows.add(row);
    }
    write(file, rows);
  }

  private static void write(Path file, List<List<String>> rows) {
    try (CsvWriter csv = CsvWriter.builder().build(file)) {
      rows.forEach(csv::writeRecord);
    } catch (IOException e) {
      throw HistoryFile.cannotWrite(file, e);
    } catch (UncheckedIOException e) {
      throw HistoryFile.cannotWrite(file, e.getCause());
    }
  }
}
