package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every Java source is formatted, generated variants of kernels too: 25 s of processor time, so
 * that it is in the profile slow. To format all: {@code mvn test -Dtest=FormatTest
 * -Dpanagrad.format.write=true}.
 */
@Tag("first")
class FormatTest {
  private static final List<Path> ROOTS =
      List.of(
          Path.of("src"), Path.of("benchmarks/src"), Path.of("target/generated-sources/variants"));

  @Test
  void sourcesAreFormatted() throws IOException {
    boolean isAsked = System.getProperty("panagrad.format.write") != null;
    assumeTrue(Boolean.getBoolean("panagrad.test.slow") || isAsked, "in the profile slow");
    List<Path> sources = new ArrayList<>();
    for (Path root : ROOTS) {
      if (Files.isDirectory(root)) {
        try (Stream<Path> files = Files.walk(root)) {
          files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
        }
      }
    }
    List<Path> unformatted =
        sources.parallelStream().filter(source -> !isFormatted(source)).toList();
    assertEquals(
        List.of(), unformatted, "run: mvn test -Dtest=FormatTest -Dpanagrad.format.write=true");
  }

  private static boolean isFormatted(Path source) {
    try {
      String text = Files.readString(source);
      String formatted = Formatting.format(text);
      if (Boolean.getBoolean("panagrad.format.write")) {
        Files.writeString(source, formatted);
        return true;
      }
      return formatted.equals(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
