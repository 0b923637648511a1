package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every {@code F64} kernel is its {@code F32} twin with type names exchanged, and every step with
 * compact state is what {@link CompactTwins} makes of the F32 step. To write the twins anew: {@code
 * mvn test -Dtest=TwinsTest -Dpanagrad.twins.write=true}.
 */
class TwinsTest {
  private static final Path SIMD = Path.of("src/main/java/dev/panagrad/backend/simd");

  /** Written by hand: it holds what differs. */
  private static final String LANES = "LanesF32.java";

  @Test
  void twinsAgree() throws IOException {
    List<Path> sources;
    try (Stream<Path> files = Files.list(SIMD)) {
      sources = files.filter(TwinsTest::isSource).sorted().toList();
    }
    assertEquals(20, sources.size(), "F32 kernels; change this number with them");
    for (Path source : sources) {
      Path twin = SIMD.resolve(exchanged(source.getFileName().toString()));
      compare(source, twin, exchanged(Files.readString(source)));
    }
  }

  @Test
  void compactTwinsAgree() throws IOException {
    for (String rule : CompactTwins.RULES) {
      Path source = SIMD.resolve(rule + "StepF32.java");
      String text = Files.readString(source);
      compare(source, SIMD.resolve(rule + "StepBf16.java"), CompactTwins.bf16(rule, text));
      // Which refuses that format.
      if (!rule.equals("AmsGrad")) {
        compare(source, SIMD.resolve(rule + "StepBlock8.java"), CompactTwins.block8(rule, text));
      }
    }
  }

  private static void compare(Path source, Path twin, String text) throws IOException {
    String expected = Formatting.format(text);
    if (Boolean.getBoolean("panagrad.twins.write")) {
      Files.writeString(twin, expected);
    }
    assertEquals(
        expected,
        Files.readString(twin),
        twin + " is not the twin of " + source + "; write it anew");
  }

  private static boolean isSource(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith("F32.java") && !name.equals(LANES);
  }

  private static String exchanged(String text) {
    return text.replace("Float", "Double")
        .replace("float", "double")
        .replace("FLOAT", "DOUBLE")
        .replace("F32", "F64");
  }
}
