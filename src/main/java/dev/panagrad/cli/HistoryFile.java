package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.train.EpochRecord;
import dev.panagrad.train.TrainingListener;
import java.nio.file.Path;
import java.util.List;

/** Writes a training's history as CSV, a row per epoch as it ends; resumed, with those before. */
final class HistoryFile implements TrainingListener, AutoCloseable {
  private final Path file;
  private CsvWriter csv; // null until training begins

  HistoryFile(Path file) {
    this.file = file;
  }

  @Override
  public void begins(List<EpochRecord> before) {
    OutputFile.write(
        file,
        () -> {
          csv = CsvWriter.builder().build(file);
          csv.writeRecord("epoch", "steps", "loss", "validation_loss", "learning_rate", "seconds");
          before.forEach(this::write);
        });
  }

  @Override
  public boolean epochEnded(EpochRecord r) {
    OutputFile.write(file, () -> write(r));
    return true;
  }

  private void write(EpochRecord r) {
    csv.writeRecord(
        Long.toString(r.epoch()),
        Long.toString(r.steps()),
        Double.toString(r.loss()),
        Double.isNaN(r.validationLoss()) ? "" : Double.toString(r.validationLoss()),
        Double.toString(r.learningRate()),
        Double.toString(r.seconds()));
  }

  @Override
  public void close() {
    if (csv != null) {
      OutputFile.write(file, csv::close);
    }
  }
}
