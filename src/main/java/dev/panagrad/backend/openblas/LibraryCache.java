package dev.panagrad.backend.openblas;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/**
 * Unpacks native libraries from a jar, once per machine and user.
 *
 * <pre>
 *   root / first 32 digits of SHA-256 over (name, size, CRC-32) of the entries / library files
 * </pre>
 *
 * The folder is filled under another name and moved into place in one step, so that a process that
 * finds it finds it whole. Another content has another name: nothing is ever overwritten.
 */
final class LibraryCache {
  /** The folder to unpack into, in place of the user's cache folder. */
  static final String PROPERTY = "panagrad.cache";

  private LibraryCache() {}

  /** The folder that the property names, if it does: then no other is used. */
  static Optional<Path> named() {
    String property = System.getProperty(PROPERTY, "");
    return property.isBlank() ? Optional.empty() : Optional.of(Path.of(property));
  }

  /**
   * The user's cache folders, best first: a library cannot be loaded from a file system mounted
   * without permission to execute, and a home may be read-only.
   */
  static List<Path> roots() {
    List<Path> roots = new ArrayList<>();
    String home = System.getProperty("user.home", "");
    if (OpenBlasLibrary.IS_WINDOWS) {
      environment("LOCALAPPDATA").ifPresent(roots::add);
    } else if (OpenBlasLibrary.IS_MAC) {
      roots.add(Path.of(home, "Library", "Caches"));
    } else {
      environment("XDG_CACHE_HOME").ifPresent(roots::add);
      roots.add(Path.of(home, ".cache"));
    }
    return roots.stream().map(root -> root.resolve("panagrad")).toList();
  }

  private static Optional<Path> environment(String name) {
    String value = System.getenv(name);
    return value == null || value.isBlank() ? Optional.empty() : Optional.of(Path.of(value));
  }

  /** Unpacks the libraries of the jar's folder that one is in, and returns where they are. */
  static Path unpack(URL resource, Path root) throws IOException {
    if (!(resource.openConnection() instanceof JarURLConnection connection)) {
      throw new IOException(resource + " is not in a jar");
    }
    connection.setUseCaches(false);
    try (JarFile jar = connection.getJarFile()) {
      String name = connection.getEntryName();
      List<JarEntry> libraries = libraries(jar, name.substring(0, name.lastIndexOf('/') + 1));
      Path folder = root.resolve(key(libraries));
      if (!isWhole(folder, libraries)) {
        fill(jar, libraries, root, folder);
      }
      return folder;
    }
  }

  /** Shared libraries directly in the folder, without the JNI glue of JavaCPP. */
  private static List<JarEntry> libraries(JarFile jar, String folder) {
    return jar.stream()
        .filter(entry -> entry.getName().startsWith(folder))
        .filter(entry -> entry.getName().indexOf('/', folder.length()) < 0)
        .filter(entry -> fileName(entry).matches("(?!lib?jni|jni).*\\.(so|dylib|dll)(\\.[0-9.]+)?"))
        .sorted(Comparator.comparing(JarEntry::getName))
        .toList();
  }

  private static String fileName(JarEntry entry) {
    return entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
  }

  private static String key(List<JarEntry> entries) {
    StringBuilder description = new StringBuilder();
    for (JarEntry entry : entries) {
      description.append(entry.getName() + " " + entry.getSize() + " " + entry.getCrc() + "\n");
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(description.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean isWhole(Path folder, List<JarEntry> entries) throws IOException {
    for (JarEntry entry : entries) {
      Path file = folder.resolve(fileName(entry));
      if (!Files.isRegularFile(file) || Files.size(file) != entry.getSize()) {
        return false;
      }
    }
    return !entries.isEmpty();
  }

  private static void fill(JarFile jar, List<JarEntry> entries, Path root, Path folder)
      throws IOException {
    Files.createDirectories(root);
    Path fresh = Files.createTempDirectory(root, "unpacking-");
    try {
      for (JarEntry entry : entries) {
        try (InputStream in = jar.getInputStream(entry)) {
          Files.copy(in, fresh.resolve(fileName(entry)));
        }
      }
      try {
        Files.move(fresh, folder, StandardCopyOption.ATOMIC_MOVE);
      } catch (FileAlreadyExistsException
          | DirectoryNotEmptyException
          | AtomicMoveNotSupportedException e) {
        // Another process was first, and what it moved is whole; anything else there is not ours.
        if (!isWhole(folder, entries)) {
          throw e;
        }
      }
    } finally {
      delete(fresh);
    }
  }

  /** Deletes a folder with what is in it, if it is there. */
  static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
