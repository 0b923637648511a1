package dev.panagrad.benchmark.launch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/** What children say on standard error, each line once: many children say the same. */
public final class DistinctLines {
  private final Set<String> said = new HashSet<>();

  /** Starts to copy that child's lines to this process's standard error. */
  public Thread copy(Process child) {
    return Thread.ofVirtual().start(() -> copy(child.getErrorStream()));
  }

  private void copy(InputStream stream) {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (said.add(line)) {
          System.err.println(line);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
