package dev.panagrad.backend.openblas;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What is unpacked, and when again: only files that are the jar's and this user's are used. */
class LibraryCacheTest {
  private static final FileTime LONG_AGO = FileTime.fromMillis(1_000_000);

  @TempDir private Path folder;

  // More than one part of what is compared at a time.
  private final byte[] library = new byte[200_000];
  private URL resource;

  @BeforeEach
  void jar() throws IOException {
    new Random(7).nextBytes(library);
    Path jar = folder.resolve("natives.jar");
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (String name : List.of("libopenblas.so.0", "libgfortran.so.5", "libjniopenblas.so")) {
        zip.putNextEntry(new ZipEntry("natives/" + name));
        zip.write(library);
        zip.closeEntry();
      }
    }
    resource = URI.create("jar:" + jar.toUri() + "!/natives/libopenblas.so.0").toURL();
  }

  private Path unpack() throws IOException {
    return LibraryCache.unpack(resource, folder.resolve("cache"));
  }

  private static List<String> names(Path of) throws IOException {
    try (Stream<Path> files = Files.list(of)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** Requires that what is there is the jar's, this user's alone, and nothing was left behind. */
  private void requireFresh(Path unpacked) throws IOException {
    assertEquals(List.of("libgfortran.so.5", "libopenblas.so.0"), names(unpacked));
    assertEquals(List.of(unpacked.getFileName().toString()), names(folder.resolve("cache")));
    assertNull(PrivateFiles.problem(unpacked));
    for (String name : names(unpacked)) {
      assertArrayEquals(library, Files.readAllBytes(unpacked.resolve(name)), name);
      assertNull(PrivateFiles.problem(unpacked.resolve(name)));
    }
  }

  /** Requires that the file that was there before is replaced. */
  private void unpacksAnew(Path before) throws IOException {
    Files.setLastModifiedTime(before.resolve("libopenblas.so.0"), LONG_AGO);
    Path unpacked = unpack();
    assertEquals(before, unpacked);
    requireFresh(unpacked);
    assertNotEquals(LONG_AGO, Files.getLastModifiedTime(unpacked.resolve("libopenblas.so.0")));
  }

  @Test
  void leavesAloneWhatIsTheJars() throws IOException {
    Path first = unpack();
    requireFresh(first);
    Files.setLastModifiedTime(first.resolve("libopenblas.so.0"), LONG_AGO);
    assertEquals(first, unpack());
    assertEquals(LONG_AGO, Files.getLastModifiedTime(first.resolve("libopenblas.so.0")));
  }

  /** One byte of the same size, anywhere, in any of the libraries. */
  @Test
  void changedByte() throws IOException {
    for (String name : List.of("libopenblas.so.0", "libgfortran.so.5")) {
      for (int at : new int[] {0, 100_000, library.length - 1}) {
        Path unpacked = unpack();
        byte[] changed = library.clone();
        changed[at] ^= 1;
        Files.write(unpacked.resolve(name), changed);
        unpacksAnew(unpacked);
      }
    }
  }

  @Test
  void shorterLongerOrMissingFile() throws IOException {
    Path unpacked = unpack();
    Files.write(unpacked.resolve("libgfortran.so.5"), new byte[10]);
    unpacksAnew(unpacked);
    Files.write(unpacked.resolve("libgfortran.so.5"), new byte[library.length + 1]);
    unpacksAnew(unpacked);
    Files.delete(unpacked.resolve("libgfortran.so.5"));
    unpacksAnew(unpacked);
  }

  /** A library would take it for one that it needs. */
  @Test
  void fileThatWasNotUnpacked() throws IOException {
    Path unpacked = unpack();
    Files.write(unpacked.resolve("libm.so.6"), library);
    unpacksAnew(unpacked);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void folderOrFileThatOthersMayWrite() throws IOException {
    Path unpacked = unpack();
    for (String permissions : List.of("rwxrwxrwx", "rwxrwx---", "rwx----w-")) {
      for (Path path : List.of(unpacked, unpacked.resolve("libgfortran.so.5"))) {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
        unpacksAnew(unpacked);
      }
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void folderOrFileOfAnotherOwner() throws IOException {
    Path unpacked = unpack();
    for (Path path : List.of(unpacked, unpacked.resolve("libgfortran.so.5"))) {
      try {
        Files.setAttribute(path, "unix:uid", 12345);
      } catch (IOException e) {
        abort("only root gives files away: " + e);
      }
      assertEquals(
          path + " belongs to user 12345, and this process is of user 0",
          PrivateFiles.problem(path));
      unpacksAnew(unpacked);
    }
  }

  /** A link is not followed to a folder of the same content; what it leads to stays. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void linkInPlaceOfTheFolder() throws IOException {
    Path unpacked = unpack();
    Path elsewhere = Files.move(unpacked, folder.resolve("elsewhere"));
    Files.createSymbolicLink(unpacked, elsewhere);
    unpacksAnew(unpacked);
    assertEquals(2, names(elsewhere).size());
  }

  /** Processes that start together; here threads, each with what it found to be whole. */
  @Test
  void manyAtOnce() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Future<Path>> unpacked =
          IntStream.range(0, 8).mapToObj(i -> threads.submit(this::unpack)).toList();
      for (Future<Path> one : unpacked) {
        assertEquals(unpacked.getFirst().get(), one.get());
      }
      requireFresh(unpacked.getFirst().get());
    }
  }
}
