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

/** Generated bindings are as jextract left them: each file has the hash in its lock file. */
@Tag("first")
class BindingsLockTest {
  private static final Path HOME = Path.of("jextract");

  @Test
  void filesAreAsGenerated() throws IOException {
    for (Path lock : files("bindings.lock")) {
      Map<String, String> locked = Locks.read(lock);
      Map<String, String> found = new TreeMap<>();
      try (Stream<Path> tree = Files.walk(lock.getParent())) {
        for (Path file : tree.filter(Files::isRegularFile).filter(f -> !f.equals(lock)).toList()) {
          found.put(file.toString().replace('\\', '/'), Locks.hash(file));
        }
      }
      assertEquals(locked, found, "run jextract/generate.sh instead of editing");
      assertTrue(locked.size() >= 4, lock + " lists too few files");
    }
  }

  private static Iterable<Path> files(String name) throws IOException {
    try (Stream<Path> tree = Files.walk(HOME)) {
      var locks = tree.filter(file -> file.endsWith(name)).toList();
      assertTrue(!locks.isEmpty(), "no lock file below " + HOME);
      return locks;
    }
  }
}
