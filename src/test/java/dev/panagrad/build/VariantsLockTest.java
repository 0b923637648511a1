package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The variants that the build generates are those of the lock file, so that a change of generated
 * code shows in review. To write the lock anew: {@code mvn test -Dtest=VariantsLockTest
 * -Dpanagrad.variants.write=true}.
 */
@Tag("first")
class VariantsLockTest {
  private static final Path VARIANTS = Path.of("target/generated-sources/variants");
  private static final Path LOCK = Path.of("src/main/variants/variants.lock");

  @Test
  void variantsAreLocked() throws IOException {
    Map<String, String> found = new TreeMap<>();
    try (Stream<Path> files = Files.walk(VARIANTS)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        found.put(file.getFileName().toString(), Locks.hash(file));
      }
    }
    assertTrue(found.size() > 20, "too few files in " + VARIANTS);
    if (Boolean.getBoolean("panagrad.variants.write")) {
      Locks.write(LOCK, "What src/main/variants generates; VariantsLockTest checks it.", found);
    }
    assertEquals(
        Locks.read(LOCK),
        found,
        "generated kernels changed; where that is meant, commit what this writes:"
            + " mvn test -Dtest=VariantsLockTest -Dpanagrad.variants.write=true");
  }
}
