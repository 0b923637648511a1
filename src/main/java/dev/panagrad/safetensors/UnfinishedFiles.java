package dev.panagrad.safetensors;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;

/**
 * The files that are to become another one, beside it: {@code .NAME.0123456789abcdef.tmp}, of which
 * the start is kept. For a name too long for that, its beginning and a digest stand.
 */
record UnfinishedFiles(Path folder, String start) {
  private static final Logger LOG = System.getLogger(UnfinishedFiles.class.getName());
  private static final String ENDING = ".tmp";
  // Names that no other writer chooses, whatever its process, container or machine.
  private static final SecureRandom RANDOM = new SecureRandom();
  // Younger files may be of a writer that has not taken its lock yet.
  private static final Duration LEAST_AGE = Duration.ofMinutes(1);
  // Of a whole name; file systems have 255, with encryption 143, and 22 are added.
  private static final int MAX_NAME_BYTES = 100;
  // Of the beginning of a longer one: its characters, which have up to four bytes.
  private static final int KEPT_CHARACTERS = 20;

  private static final int DIGEST_BYTES = 12;

  static UnfinishedFiles of(Path target) {
    String name = target.getFileName().toString();
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > MAX_NAME_BYTES) {
      int kept = name.offsetByCodePoints(0, KEPT_CHARACTERS);
      name = name.substring(0, kept) + "-" + digest(bytes);
    }
    return new UnfinishedFiles(target.getParent(), "." + name + ".");
  }

  private static String digest(byte[] bytes) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return HexFormat.of().formatHex(digest, 0, DIGEST_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  Path fresh() {
    return folder.resolve(start + "%016x".formatted(RANDOM.nextLong()) + ENDING);
  }

  /** Removes what killed writers have left, if nothing stands in the way. */
  void removeAbandoned() {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(folder, file -> isOurs(file.getFileName().toString()))) {
      for (Path file : files) {
        removeIfAbandoned(file);
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.log(Level.DEBUG, "files left in " + folder, e);
    }
  }

  private boolean isOurs(String name) {
    return name.startsWith(start) && name.substring(start.length()).matches("[0-9a-f]{16}\\.tmp");
  }

  private static void removeIfAbandoned(Path file) {
    try {
      Instant written = Files.getLastModifiedTime(file).toInstant();
      if (!Files.isRegularFile(file) || written.isAfter(Instant.now().minus(LEAST_AGE))) {
        return;
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
          FileLock lock = channel.tryLock()) {
        if (lock != null) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException | OverlappingFileLockException e) {
      LOG.log(Level.DEBUG, file + " is left", e);
    }
  }
}
