package dev.panagrad.backend.openblas;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;

/**
 * Unpacks native libraries from a jar, once per machine and user.
 *
 * <pre>
 *   root / first 32 digits of SHA-256 over (name, size, CRC-32) of the entries / library files
 * </pre>
 *
 * The folder is filled under another name and moved into place in one step, so that a process that
 * finds it finds it whole. Each process compares length and CRC-32 of what it finds with the jar's,
 * which tells damage, and unpacks anew what differs or what others than this user may write. Who
 * may write the root, which the user or the operator chooses, may still put another folder there
 * between check and use.
 */
final class LibraryCache {
  /** The folder to unpack into, in place of the user's cache folder. */
  static final String PROPERTY = "panagrad.cache";

  private static final Logger LOG = System.getLogger(LibraryCache.class.getName());

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

  /**
   * Unpacks the libraries of the jar's folder that one is in, and returns where they are. Throws
   * {@link IOException} if the root cannot be written, or holds files that cannot be replaced.
   */
  static Path unpack(URL resource, Path root) throws IOException {
    if (!(resource.openConnection() instanceof JarURLConnection connection)) {
      throw new IOException(resource + " is not in a jar");
    }
    connection.setUseCaches(false);
    try (JarFile jar = connection.getJarFile()) {
      String name = connection.getEntryName();
      List<JarEntry> libraries = libraries(jar, name.substring(0, name.lastIndexOf('/') + 1));
      Path folder = root.resolve(key(libraries));
      String problem = problem(libraries, folder);
      if (problem != null) {
        if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
          LOG.log(Level.WARNING, "OpenBLAS is unpacked anew: " + problem);
          setAside(folder, problem);
        }
        fill(jar, libraries, root, folder);
        problem = problem(libraries, folder);
      }
      if (problem != null) {
        throw new IOException(problem);
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

  /** What is not as it was unpacked, or may be changed by others; null if nothing is. */
  private static String problem(List<JarEntry> entries, Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return folder + " is no folder";
    }
    String problem = PrivateFiles.problem(folder);
    Set<String> unknown = new HashSet<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.forEach(file -> unknown.add(file.getFileName().toString()));
    }
    for (int i = 0; problem == null && i < entries.size(); i++) {
      Path file = folder.resolve(fileName(entries.get(i)));
      unknown.remove(fileName(entries.get(i)));
      if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        return file + " is missing";
      }
      problem = PrivateFiles.problem(file);
      if (problem == null && !isEntry(entries.get(i), file)) {
        problem = file + " was changed after it was unpacked";
      }
    }
    // A library looks for those that it needs here first.
    return problem == null && !unknown.isEmpty()
        ? folder + " has files that were not unpacked: " + unknown
        : problem;
  }

  /** Compares length and CRC-32 with those that the jar keeps, without unpacking it again. */
  private static boolean isEntry(JarEntry entry, Path file) throws IOException {
    try (CheckedInputStream found =
        new CheckedInputStream(Files.newInputStream(file), new CRC32())) {
      return found.transferTo(OutputStream.nullOutputStream()) == entry.getSize()
          && found.getChecksum().getValue() == entry.getCrc();
    }
  }

  /** Moves a folder away, and deletes it as far as this user may. */
  private static void setAside(Path folder, String problem) throws IOException {
    Path aside = Files.createTempDirectory(folder.getParent(), "replaced-");
    try {
      Files.move(folder, aside.resolve("old"), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new IOException(problem + ", and it cannot be moved away: " + e, e);
    } finally {
      try {
        delete(aside);
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "left behind: " + aside, e);
      }
    }
  }

  private static void fill(JarFile jar, List<JarEntry> entries, Path root, Path folder)
      throws IOException {
    Files.createDirectories(root);
    Path fresh = Files.createTempDirectory(root, "unpacking-");
    try {
      for (JarEntry entry : entries) {
        // As the folder, a temporary file is this user's alone, whatever the user's mask.
        Path file = Files.createTempFile(fresh, "library", null);
        try (InputStream in = jar.getInputStream(entry);
            OutputStream out = Files.newOutputStream(file)) {
          in.transferTo(out);
        }
        Files.move(file, fresh.resolve(fileName(entry)));
      }
      Files.move(fresh, folder, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileSystemException e) {
      // Another process may have been first: the caller judges what it moved there.
      if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
        throw e;
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
