package dev.panagrad.cli;

import dev.panagrad.train.Checkpoints;
import dev.panagrad.train.Trainer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** The checkpoints of a training. */
final class CheckpointOptions {
  private static final Pattern INTERVAL = Pattern.compile("([0-9]{1,9})(s|m|h|steps?)");

  @Option(
      names = "--checkpoint",
      paramLabel = "DIR",
      description =
          "Write checkpoints there, also at the end and at Ctrl-C; one directory for each training.")
  Path folder;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N(s|m|h|steps)",
      description = "For example 10s or 100steps; default 60s.")
  private String interval;

  @Option(
      names = "--checkpoint-keep",
      paramLabel = "N",
      description = "Newest checkpoints to keep; default 3.")
  private Integer keep;

  @Option(
      names = "--checkpoint-background",
      description = "Train on while one is written, from a copy of parameters and state.")
  private boolean background;

  @Option(
      names = "--resume",
      description = "Go on from the newest checkpoint in --checkpoint, or begin if there is none.")
  private boolean resume;

  boolean isFolder(Path file) {
    return folder != null && OutputFile.isSame(folder, file);
  }

  void apply(Trainer trainer) {
    if (resume) {
      trainer.resume();
    }
    if (folder == null) {
      if (interval != null || keep != null || background) {
        throw new UsageException(
            "--checkpoint-every, --checkpoint-keep and --checkpoint-background need the directory of the checkpoints: --checkpoint DIR");
      }
      return;
    }
    if (folder.toString().isEmpty()) {
      throw new UsageException("--checkpoint needs the name of a directory, found ''");
    }
    try {
      Checkpoints checkpoints = Checkpoints.in(folder);
      if (keep != null) {
        checkpoints.keep(keep);
      }
      interval(checkpoints);
      if (background) {
        checkpoints.inBackground();
      }
      trainer.checkpoints(checkpoints);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }

  private void interval(Checkpoints checkpoints) {
    Matcher parts = INTERVAL.matcher(interval == null ? "60s" : interval);
    if (!parts.matches()) {
      throw new UsageException(
          "--checkpoint-every must be a number with s, m, h or steps, such as 10s or 100steps, found '%s'"
              .formatted(interval));
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
