package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import picocli.CommandLine.Option;

/** Where to compute. */
final class BackendChoice {
  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description =
          "auto, or a name that 'panagrad backends' shows; default: property panagrad.backend, environment"
              + " PANAGRAD_BACKEND, else auto.")
  private String name;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Compute threads; default: all processors.")
  private Integer threads;

  Backend open() {
    return Backends.open(name, options());
  }

  private BackendOptions options() {
    BackendOptions options = BackendOptions.defaults();
    try {
      return threads == null ? options : options.withThreads(threads);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }
}
