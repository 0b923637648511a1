package dev.panagrad.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Files that are replaced, cut short or changed between one look at them and the next. */
@EnabledOnOs(OS.LINUX)
class ChangingFileTest {
  private static final int COUNT = 100_000;

  @TempDir private Path folder;

  private Path write(double value, int count) throws IOException {
    Path file = folder.resolve("file");
    try (TensorArena arena = TensorArena.open("changing")) {
      Tensor first = arena.allocate("a", DType.F64, 3).fill(-value);
      Tensor w = arena.allocate("w", DType.F64, count).fill(value);
      SafetensorsWriter.write(file, Map.of(), List.of(first, w));
    }
    return file;
  }

  /** What was opened stays; it is not damaged because there is another one. */
  @Test
  void replaced() throws IOException {
    Path file = write(1, COUNT);
    try (TensorArena arena = TensorArena.open("replaced")) {
      Tensor mapped;
      try (SafetensorsFile in = SafetensorsFile.open(file)) {
        write(2, COUNT / 2);
        in.requireIntactHeader();
        in.requireIntact("w");
        mapped = in.map(arena, "w");
        for (Tensor w : List.of(mapped, in.read(arena, "w"))) {
          assertEquals(COUNT, w.count());
          assertEquals(1, w.get(COUNT - 1));
        }
      }
      assertEquals(1, mapped.get(COUNT - 1), "a mapping outlasts the file it is of");
    }
  }

  /** The process lives on, and the byte is named at which the file ended. */
  @Test
  void cutShort() throws IOException {
    Path file = write(1, COUNT);
    long left = Files.size(file) / 2;
    try (SafetensorsFile in = SafetensorsFile.open(file);
        TensorArena arena = TensorArena.open("cut")) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(left);
      }
      assertEquals(left, ended(() -> in.requireIntact("w")));
      assertEquals(left, ended(() -> in.read(arena, "w")));
      assertEquals(left, ended(() -> in.readDoubles("w", new double[COUNT])));
      ended(() -> in.map(arena, "w"));
      assertEquals(-1, in.read(arena, "a").get(2));
    }
  }

  private interface Reading {
    void run() throws IOException;
  }

  private static long ended(Reading reading) {
    SafetensorsException e = assertThrows(SafetensorsException.class, reading::run);
    assertTrue(e.getMessage().contains("the file ended"), e.getMessage());
    return e.offset();
  }

  /** Another byte after the file was opened. */
  @Test
  void changed() throws IOException {
    Path file = write(1, COUNT);
    try (SafetensorsFile in = SafetensorsFile.open(file);
        TensorArena arena = TensorArena.open("changed")) {
      byte[] bytes = Files.readAllBytes(file);
      bytes[bytes.length - 5] ^= 1;
      Files.write(file, bytes);
      SafetensorsException e = assertThrows(SafetensorsException.class, () -> in.read(arena, "w"));
      assertTrue(e.getMessage().contains("'w' is damaged"), e.getMessage());
      assertThrows(SafetensorsException.class, () -> in.requireIntact("w"));
      assertThrows(
          SafetensorsException.class,
          () -> in.readDoubles("w", new double[COUNT - 1], new double[1]));
      assertArrayEquals(new double[] {-1, -1, -1}, in.read(arena, "a").toArray());
    }
  }

  /** A thread that is to stop is told so, by a message. */
  @Test
  void interrupted() throws IOException {
    Path file = write(1, COUNT);
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      Thread.currentThread().interrupt();
      IOException e = assertThrows(IOException.class, () -> in.requireIntact("w"));
      assertTrue(e.getMessage().contains("interrupted"), e.getMessage());
      assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
      e = assertThrows(IOException.class, () -> write(2, 3));
      assertTrue(e.getMessage().contains("interrupted"), e.getMessage());
    } finally {
      assertTrue(Thread.interrupted());
    }
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      assertEquals(COUNT, in.shape("w").count());
    }
  }
}
