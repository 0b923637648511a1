package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.path.PathResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes a path as CSV, one row per value. */
final class CurveFile {
  private CurveFile() {}

  /** Before anything is computed. */
  static void requirePlace(Path file, DataOptions data) {
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

  static void write(Path file, PathResult result) {
    List<String> header =
        new ArrayList<>(
            List.of(
                "value", "training_mse", "cv_mse", "cv_standard_error", "nonzero", "(intercept)"));
    header.addAll(result.features());
    try (CsvWriter csv = CsvWriter.builder().build(file)) {
      csv.writeRecord(header);
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
        csv.writeRecord(row);
      }
    } catch (IOException e) {
      throw HistoryFile.cannotWrite(file, e);
    } catch (UncheckedIOException e) {
      throw HistoryFile.cannotWrite(file, e.getCause());
    }
  }
}
