package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.tune.RateCurve;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes the curve of a range test as CSV, one row per step. */
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

  static void write(RateCurve curve, Path file) {
    try (CsvWriter csv = CsvWriter.builder().build(file)) {
      csv.writeRecord("rate", "smoothed_loss", "loss");
      for (RateCurve.Point point : curve.points()) {
        csv.writeRecord(
            Double.toString(point.rate()),
            Double.toString(point.smoothed()),
            Double.toString(point.loss()));
      }
    } catch (IOException e) {
      throw HistoryFile.cannotWrite(file, e);
    } catch (UncheckedIOException e) {
      throw HistoryFile.cannotWrite(file, e.getCause());
    }
  }
}
