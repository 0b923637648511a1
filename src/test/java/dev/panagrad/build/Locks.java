package dev.panagrad.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Lock files: comment lines with #, then lines of a SHA-256, two spaces, and a file's name. */
final class Locks {
  private static final int HASH_CHARS = 64;

  private Locks() {}

  /** Hashes by name. */
  static SortedMap<String, String> read(Path lock) throws IOException {
    SortedMap<String, String> hashes = new TreeMap<>();
    for (String line : Files.readAllLines(lock)) {
      if (!line.startsWith("#")) {
        hashes.put(line.substring(HASH_CHARS + 2), line.substring(0, HASH_CHARS));
      }
    }
    return hashes;
  }

  static void write(Path lock, String about, Map<String, String> hashes) throws IOException {
    StringBuilder lines = new StringBuilder("# " + about + "\n");
    hashes.forEach((name, hash) -> lines.append(hash).append("  ").append(name).append('\n'));
    Files.writeString(lock, lines);
  }

  static String hash(Path file) throws IOException {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
