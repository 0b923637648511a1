package dev.panagrad.cli;

import dev.panagrad.train.EpochRecord;
import dev.panagrad.train.TrainingListener;
import java.io.PrintStream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Shows progress: a bar on a terminal, else a line every tenth of the way; none when quiet. */
final class Console implements TrainingListener, AutoCloseable {
  private static final int LINES = 10;

  private final PrintStream out;
  private final boolean quiet;
  private final long epochs;
  private final ProgressBar bar;

  Console(PrintStream out, boolean quiet, String task, long epochs) {
    this.out = out;
    this.quiet = quiet;
    this.epochs = epochs;
    this.bar =
        quiet || !isTerminal()
            ? null
            : new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(epochs)
                .setStyle(ProgressBarStyle.ASCII)
                .build();
  }

  @SuppressWarnings("SystemConsoleNull") // JDK 25 returns null again where there is no terminal
  private static boolean isTerminal() {
    java.io.Console console = System.console();
    return console != null && console.isTerminal();
  }

  @Override
  public boolean epochEnded(EpochRecord record) {
    if (bar != null) {
      bar.stepTo(record.epoch());
      bar.setExtraMessage("loss %.6g".formatted(record.loss()));
    } else if (!quiet && isReported(record.epoch())) {
      String validation =
          Double.isNaN(record.validationLoss())
              ? ""
              : "  validation %.6g".formatted(record.validationLoss());
      String rate =
          Double.isNaN(record.learningRate())
              ? ""
              : "  learning rate %.3g".formatted(record.learningRate());
      out.printf("epoch %,6d  loss %.6g%s%s%n", record.epoch(), record.loss(), validation, rate);
    }
    return true;
  }

  private boolean isReported(long epoch) {
    long every = Math.max(1, epochs / LINES);
    return epoch == 1 || epoch % every == 0 || epoch == epochs;
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
