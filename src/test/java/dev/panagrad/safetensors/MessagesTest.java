package dev.panagrad.safetensors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What failures say of names, files and reasons. */
class MessagesTest {
  @TempDir private Path folder;

  @Test
  void excerpts() {
    assertEquals("plain \u00e4 \ud83d\ude00 '\"", Excerpt.of("plain \u00e4 \ud83d\ude00 '\""));
    assertEquals(
        "\\u001b[31m\\u000a\\u0085\\u202e\\u2028\\ud800\\u{e0041}",
        Excerpt.of("\u001b[31m\n\u0085\u202e\u2028\ud800\udb40\udc41"));
    assertEquals("x".repeat(200), Excerpt.of("x".repeat(200)));
    assertEquals(
        "x".repeat(199) + "... (1,199 characters)",
        Excerpt.of("x".repeat(199) + "\ud83d\ude00".repeat(500)));
    List<String> names = new ArrayList<>(List.of("a\u0007"));
    assertEquals("['a\\u0007']", Excerpt.of(names));
    for (int i = 1; i < 1000; i++) {
      names.add("n" + i);
    }
    String cut = Excerpt.of(names);
    assertTrue(cut.endsWith("'n18', 'n19', ... (1,000 names)]"), cut);
  }

  /** Names of a file obey no terminal and fill no screen. */
  @Test
  void namesInMessages() throws IOException {
    Path file = folder.resolve("file");
    try (TensorArena arena = TensorArena.open("names")) {
      List<Tensor> tensors = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        tensors.add(arena.allocate("\u001b[2J" + i, DType.F32, 1));
      }
      SafetensorsWriter.write(file, Map.of(), tensors);
      try (SafetensorsFile in = SafetensorsFile.open(file)) {
        IOException e = assertThrows(IOException.class, () -> in.requireIntact("\u001b"));
        assertFalse(e.getMessage().contains("\u001b"), e.getMessage());
        assertTrue(e.getMessage().contains("(1,000 names)"), e.getMessage());
        assertTrue(e.getMessage().length() < 1000, e.getMessage());
      }
    }
  }

  /** The reason, where the JDK's exception has the path alone. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void reasons() throws IOException {
    IOException none =
        assertThrows(IOException.class, () -> SafetensorsFile.open(folder.resolve("none")));
    assertTrue(none.getMessage().contains("there is no file"), none.getMessage());
    IOException directory = assertThrows(IOException.class, () -> SafetensorsFile.open(folder));
    assertTrue(directory.getMessage().contains("is a directory"), directory.getMessage());
    Path loop = folder.resolve("loop");
    Files.createSymbolicLink(loop, loop);
    IOException circle = assertThrows(IOException.class, () -> SafetensorsFile.open(loop));
    assertTrue(circle.getMessage().contains(loop + "': "), circle.getMessage());
    Path closed = Files.createFile(folder.resolve("closed"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("---------"));
    assumeFalse(Files.isReadable(closed), "this user may read everything");
    IOException denied = assertThrows(IOException.class, () -> SafetensorsFile.open(closed));
    assertTrue(denied.getMessage().contains("permission denied"), denied.getMessage());
  }

  /** A pipe has no writer to wait for. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void pipes() throws IOException, InterruptedException {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    for (Path file : List.of(pipe, Path.of("/dev/zero"))) {
      IOException e = assertThrows(IOException.class, () -> SafetensorsFile.open(file));
      assertTrue(e.getMessage().contains("not a regular file"), e.getMessage());
    }
  }

  /** What a file system can name can be replaced, and what was left of it removed. */
  @Test
  void longNames() throws IOException {
    try (TensorArena arena = TensorArena.open("long")) {
      Tensor w = arena.allocate("w", DType.F32, 1);
      for (String name :
          List.of("x".repeat(255), "\u00e4".repeat(127), "\ud83d\ude00".repeat(60))) {
        Path file = folder.resolve(name);
        Path left = Files.createFile(UnfinishedFiles.of(file).fresh());
        Files.setLastModifiedTime(left, FileTime.from(Instant.now().minusSeconds(120)));
        SafetensorsWriter.write(file, Map.of(), List.of(w));
        SafetensorsFile.open(file).close();
        assertFalse(Files.exists(left), left.toString());
      }
      try (Stream<Path> files = Files.list(folder)) {
        assertEquals(3, files.count());
      }
      String beginning = "x".repeat(200);
      assertFalse(
          UnfinishedFiles.of(folder.resolve(beginning + "a"))
              .start()
              .equals(UnfinishedFiles.of(folder.resolve(beginning + "b")).start()));
    }
  }

  /** Nothing is written that is refused when it is read. */
  @Test
  void ranks() throws IOException {
    Path file = folder.resolve("file");
    try (TensorArena arena = TensorArena.open("ranks")) {
      long[] extents = new long[64];
      Arrays.fill(extents, 1);
      extents[63] = 3;
      SafetensorsWriter.write(file, Map.of(), List.of(arena.allocate("w", DType.F32, extents)));
      try (SafetensorsFile in = SafetensorsFile.open(file)) {
        assertEquals(64, in.read(arena, "w").shape().rank());
      }
      Tensor more = arena.allocate("more", DType.F32, Arrays.copyOf(extents, 65));
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> SafetensorsWriter.write(file, Map.of(), List.of(more)));
      assertTrue(e.getMessage().contains("rank 65"), e.getMessage());
    }
  }

  /** What checkpoints say of their layout is compared as text, with files written before. */
  @Test
  void listsOfNamesAreAsJacksonWritesThem() throws IOException {
    List<String> names = new ArrayList<>();
    for (int c = 0; c < 0x2100; c++) {
      names.add("x" + (char) c + c);
    }
    names.add("\ud83d\ude00");
    assertEquals(new ObjectMapper().writeValueAsString(names), NameList.format(names));
    assertEquals(names, NameList.parse(NameList.format(names), names.size()));
  }
}
