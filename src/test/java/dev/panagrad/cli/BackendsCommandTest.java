package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** {@code backends}: every backend with its state. */
class BackendsCommandTest {
  @Test
  void table() {
    Cli run = Cli.run("backends").exits(Cli.DONE);
    List<String> lines = run.out().lines().toList();
    assertTrue(lines.stream().anyMatch(l -> l.matches("simd +\\* available .+")), run::out);
    assertTrue(lines.stream().anyMatch(l -> l.matches("scalar + available .+")), run::out);
    assertEquals("", run.err());
  }

  @Test
  void json() throws IOException {
    Cli run = Cli.run("backends", "--json");
    Set<String> names = new HashSet<>();
    for (JsonNode backend : run.json().get("backends")) {
      names.add(backend.get("name").asText());
      if (backend.get("available").asBoolean()) {
        assertTrue(backend.get("detail").isTextual(), backend::toString);
      } else {
        assertTrue(backend.get("reason").isTextual(), backend::toString);
        assertTrue(backend.get("remedy").isTextual(), backend::toString);
      }
    }
    assertTrue(names.containsAll(Set.of("simd", "scalar")), names::toString);
    assertEquals("", run.err());
  }
}
