package dev.panagrad.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The machine stops at each call that a save makes, and every state in which it may come up again
 * has the old file or the new one; after the save, the new one.
 */
@EnabledOnOs(OS.LINUX)
class CrashTest {
  private static final String FILE = "file";
  private static final int NONE = 0;
  private static final int OLD = 1;
  private static final int NEW = 2;

  @TempDir private Path folder;
  @TempDir private Path after;

  private interface Save {
    void to(Path file) throws IOException;
  }

  private interface Load {
    int of(Path file) throws IOException;
  }

  /** The first states that are neither the old file nor the new one, as messages. */
  private List<String> broken(int old, Save setUp, Save save, Load load) throws IOException {
    List<String> broken = new ArrayList<>();
    Path file = folder.resolve(FILE);
    int states = 0;
    for (int k = 1; ; k++) {
      clear(folder);
      if (old != NONE) {
        setUp.to(file);
      }
      Disk disk = new Disk(folder);
      boolean isDone;
      try {
        save.to(FaultyFileSystem.path(file, Crash.at(k), disk));
        isDone = true;
      } catch (Crash e) {
        isDone = false;
      }
      for (Map<String, byte[]> state : disk.afterCrash()) {
        states++;
        String found = found(state, load);
        boolean isNew = found.equals("" + NEW);
        boolean isOld = found.equals("" + old) && !isDone;
        if (!isNew && !isOld && broken.size() < 5) {
          broken.add("call " + k + (isDone ? ", done: " : ": ") + state.keySet() + " " + found);
        }
      }
      if (isDone) {
        assertTrue(states > k, states + " states of " + k + " calls");
        return broken;
      }
    }
  }

  private String found(Map<String, byte[]> state, Load load) throws IOException {
    clear(after);
    for (Map.Entry<String, byte[]> each : state.entrySet()) {
      Files.write(after.resolve(each.getKey()), each.getValue());
      boolean isUnfinished = each.getKey().matches("\\.file\\.[0-9a-f]{16}\\.tmp");
      if (!each.getKey().equals(FILE) && !isUnfinished) {
        return "another file is left: " + each.getKey();
      }
    }
    if (!state.containsKey(FILE)) {
      return "" + NONE;
    }
    try {
      return "" + load.of(after.resolve(FILE));
    } catch (IOException | AssertionError e) {
      return e.toString();
    }
  }

  private static void clear(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void replaced(Saver saver) throws IOException {
    Save old = file -> saver.save(file, OLD);
    assertEquals(List.of(), broken(OLD, old, file -> saver.save(file, NEW), saver::load));
  }

  @ParameterizedTest
  @EnumSource
  void first(Saver saver) throws IOException {
    assertEquals(List.of(), broken(NONE, null, file -> saver.save(file, NEW), saver::load));
  }

  /** What the others would have found: each step left out of a save of one byte. */
  @Test
  void carelessSaves() throws IOException {
    for (boolean forcesContent : new boolean[] {true, false}) {
      for (boolean forcesFolder : new boolean[] {true, false}) {
        List<String> broken =
            broken(
                OLD,
                file -> Files.write(file, new byte[] {OLD}),
                file -> careless(file, forcesContent, forcesFolder),
                CrashTest::version);
        assertEquals(forcesContent && forcesFolder, broken.isEmpty(), broken.toString());
      }
    }
    Save inPlace =
        file -> {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {NEW}));
          }
        };
    assertTrue(
        !broken(OLD, file -> Files.write(file, new byte[] {OLD}), inPlace, CrashTest::version)
            .isEmpty());
  }

  private static int version(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    if (bytes.length != 1) {
      throw new IOException(bytes.length + " bytes");
    }
    return bytes[0];
  }

  private static void careless(Path file, boolean forcesContent, boolean forcesFolder)
      throws IOException {
    Path fresh = file.resolveSibling(".file.0123456789abcdef.tmp");
    try (FileChannel channel =
        FileChannel.open(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {NEW}));
      if (forcesContent) {
        channel.force(true);
      }
    }
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    if (forcesFolder) {
      try (FileChannel channel = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }
}
