package dev.panagrad.cli;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backends;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code panagrad backends}: every backend, whether it can run here, why not, and what to do. */
@Command(
    name = "backends",
    description =
        "Show every backend: available or not, why, and what to do. '*' marks what 'auto' takes.",
    mixinStandardHelpOptions = true)
final class BackendsCommand implements Callable<Integer> {
  @Option(names = "--json", description = "One JSON object on standard output.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (!json) {
      System.out.println(Backends.table());
      return 0;
    }
    JsonOutput.write(
        out -> {
          out.writeStringField("configured", Backends.configuredName());
          out.writeArrayFieldStart("backends");
          for (Backends.Entry entry : Backends.entries()) {
            out.writeStartObject();
            out.writeStringField("name", entry.name());
            out.writeNumberField("rank", entry.rank());
            out.writeBooleanField("available", entry.isAvailable());
            switch (entry.availability()) {
              case Availability.Available yes -> out.writeStringField("detail", yes.detail());
              case Availability.Unavailable no -> {
                out.writeStringField("reason", no.reason());
                out.writeStringField("remedy", no.remedy());
              }
            }
            out.writeEndObject();
          }
          out.writeEndArray();
        });
    return 0;
  }
}
