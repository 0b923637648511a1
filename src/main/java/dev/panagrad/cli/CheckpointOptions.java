package dev.panagrad.cli;

import dev.panagrad.train.Checkpoints;
import dev.panagrad.train.Trainer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** Whether and how often a training writes down where it is. */
final class CheckpointOptions {
  private static final Pattern INTERVAL = Pattern.compile("([0-9]{1,9})(s|m|h|steps?)");

  @Option(
      names = "--checkpoint",
      paramLabel = "DIR",
      description =
          "Write checkpoints there, also at the end and at Ctrl-C; one directory for each training.")
  private Path folder;

  @Option(
      names = "--checkpoint-every",
      defaultValue = "60s",
      paramLabel = "N(s|m|h|steps)",
      description = "For example 10s or 100steps; default ${DEFAULT-VALUE}.")
  private String interval;

  @Option(
      names = "--checkpoint-keep",
      defaultValue = "3",
      paramLabel = "N",
      description = "Newest checkpoints to keep; default ${DEFAULT-VALUE}.")
  private int keep;

  @Option(
      names = "--checkpoint-background",
      description = "Train on while one is written, from a copy of parameters and state.")
  private boolean background;

  @Option(
      names = "--resume",
      description = "Go on from the newest checkpoint in --checkpoint, or begin if there is none.")
  private boolean resume;

  boolean areAsked() {
    return folder != null;
  }

  Path folder() {
    return folder;
  }

  /** Sets up a trainer; fails now if an option makes no sense. */
  void apply(Trainer trainer) {
    if (folder == null) {
      if (resume) {
        throw new UsageException(
            "--resume needs the directory of the checkpoints: --checkpoint DIR");
      }
      return;
    }
    try {
      Checkpoints checkpoints = Checkpoints.in(folder).keep(keep);
      interval(checkpoints);
      if (background) {
        checkpoints.inBackground();
      }
      trainer.checkpoints(checkpoints);
      if (resume) {
        trainer.resume();
      }
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }

  private void interval(Checkpoints checkpoints) {
    Matcher parts = INTERVAL.matcher(interval);
    if (!parts.matches()) {
      throw new UsageException(
          "--checkpoint-every must be a number with s, m, h or steps, such as 10s or 100steps, found '"
              + interval
              + "'");
    }
    long number = Long.parseLong(parts.group(1));
    switch (parts.group(2)) {
      case "s" -> checkpoints.every(Duration.ofSeconds(number));
      case "m" -> checkpoints.every(Duration.ofMinutes(number));
      case "h" -> checkpoints.every(Duration.ofHours(number));
      default -> checkpoints.everySteps(number);
    }
  }
}
