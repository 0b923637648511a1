package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.data.DataException;
import dev.panagrad.train.EpochRecord;
import dev.panagrad.train.TrainingListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Writes the history of a training as CSV, one row per epoch, as they end: a training that fails
 * leaves the rows until then.
 */
final class HistoryFile implements TrainingListener, AutoCloseable {
  private final Path file;
  private final CsvWriter csv;

  private HistoryFile(Path file, CsvWriter csv) {
    this.file = file;
    this.csv = csv;
  }

  /** Replaces the file. Called when nothing but the training itself can fail any more. */
  static HistoryFile open(Path file) {
    try {
      CsvWriter csv = CsvWriter.builder().build(file);
      csv.writeRecord("epoch", "steps", "loss", "validation_loss", "learning_rate", "seconds");
      return new HistoryFile(file, csv);
    } catch (IOException e) {
      throw cannotWrite(file, e);
    }
  }

  @Override
  public boolean epochEnded(EpochRecord r) {
    try {
      csv.writeRecord(
          Long.toString(r.epoch()),
          Long.toString(r.steps()),
          Double.toString(r.loss()),
          Double.isNaN(r.validationLoss()) ? "" : Double.toString(r.validationLoss()),
          Double.toString(r.learningRate()),
          Double.toString(r.seconds()));
      return true;
    } catch (UncheckedIOException e) {
      throw cannotWrite(file, e.getCause());
    }
  }

  @Override
  public void close() {
    try {
      csv.close();
    } catch (IOException e) {
      throw cannotWrite(file, e);
    }
  }

  static DataException cannotWrite(Path file, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException _ -> "its folder does not exist";
          case AccessDeniedException _ -> "permission denied";
          default -> e.getMessage();
        };
    return new DataException("cannot write '" + file + "': " + reason, e);
  }
}
