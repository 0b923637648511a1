package dev.panagrad.cli;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backends;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
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
    if (json) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("configured", Backends.configuredName());
      fields.put("backends", Backends.entries().stream().map(BackendsCommand::fields).toList());
      JsonOutput.print(fields);
    } else {
      System.out.println(Backends.table());
    }
    return 0;
  }

  private static Map<String, Object> fields(Backends.Entry entry) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", entry.name());
    fields.put("rank", entry.rank());
    fields.put("available", entry.isAvailable());
    switch (entry.availability()) {
      case Availability.Available yes -> fields.put("detail", yes.detail());
      case Availability.Unavailable no -> {
        fields.put("reason", no.reason());
        fields.put("remedy", no.remedy());
      }
    }
    return fields;
  }
}
