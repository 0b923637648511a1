package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.data.DataException;
import dev.panagrad.train.EpochRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes the history of a training as CSV, one row per epoch. */
final class HistoryFile {
  private HistoryFile() {}

  /** Fails now, before an hour of training, if the file cannot be written. */
  static void requireWritable(Path file) {
    try {
      Files.newOutputStream(file).close();
    } catch (IOException e) {
      throw new DataException("cannot write " + file + ": " + reason(e), e);
    }
  }

  static void write(Path file, List<EpochRecord> history) {
    try (CsvWriter csv = CsvWriter.builder().build(file)) {
      csv.writeRecord("epoch", "steps", "loss", "validation_loss", "learning_rate", "seconds");
      for (EpochRecord r : history) {
        csv.writeRecord(
            Long.toString(r.epoch()),
            Long.toString(r.steps()),
            Double.toString(r.loss()),
            Double.isNaN(r.validationLoss()) ? "" : Double.toString(r.validationLoss()),
            Double.toString(r.learningRate()),
            Double.toString(r.seconds()));
      }
    } catch (IOException e) {
      throw new DataException("cannot write " + file + ": " + reason(e), e);
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case java.nio.file.NoSuchFileException _ -> "its folder does not exist";
      case java.nio.file.AccessDeniedException _ -> "permission denied";
      default -> e.getMessage();
    };
  }
}
