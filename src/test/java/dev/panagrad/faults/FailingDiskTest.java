package dev.panagrad.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.safetensors.NotDurableException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each call that a save makes fails once, and from then on: the old file or the new one is there.
 */
@EnabledOnOs(OS.LINUX)
class FailingDiskTest {
  private static final int OLD = 1;
  private static final int NEW = 2;

  @TempDir private Path folder;

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  private void clear() throws IOException {
    for (Path file : files()) {
      Files.delete(file);
    }
  }

  /** Fails at the first call, the second, until a save needs no more; returns how many it needs. */
  private int all(Saver saver, boolean hasOld, boolean leavesNothing, IntFunction<FailingCall> at)
      throws IOException {
    Path file = folder.resolve("file");
    for (int k = 1; ; k++) {
      clear();
      if (hasOld) {
        saver.save(file, OLD);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
      }
      FailingCall fault = at.apply(k);
      String what = saver + " call " + k;
      int expected = NEW;
      try {
        saver.save(FaultyFileSystem.path(file, fault), NEW);
      } catch (NotDurableException e) {
        assertTrue(e.getMessage().contains(file + "' has been replaced"), e.getMessage());
        assertTrue(e.getMessage().contains(fault.reason()), e.getMessage());
      } catch (IOException e) {
        assertTrue(e.getMessage().contains("cannot write '" + file + "', "), e.getMessage());
        assertTrue(e.getMessage().matches("(?s).*, [0-9,]+ bytes: .*"), e.getMessage());
        assertTrue(e.getMessage().contains(fault.reason()), e.getMessage());
        expected = OLD;
      }
      if (expected == NEW || hasOld) {
        assertEquals(expected, saver.load(file), what);
        if (leavesNothing) {
          assertEquals(List.of(file), files(), what);
        }
      } else if (leavesNothing) {
        assertEquals(List.of(), files(), what);
      }
      if (hasOld) {
        assertEquals(
            "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)), what);
      }
      if (!fault.failed()) {
        return k - 1;
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void brokenOnce(Saver saver) throws IOException {
    for (boolean hasOld : new boolean[] {true, false}) {
      int calls = all(saver, hasOld, true, k -> FailingCall.broken(k, false));
      assertTrue(calls >= 12, calls + " calls");
    }
  }

  /** What was begun may stay, as after a crash, where it cannot be deleted. */
  @ParameterizedTest
  @EnumSource
  void brokenForGood(Saver saver) throws IOException {
    for (boolean hasOld : new boolean[] {true, false}) {
      all(saver, hasOld, false, k -> FailingCall.broken(k, true));
    }
  }

  /** Writes take half of what they are given, and then there is no room. */
  @ParameterizedTest
  @EnumSource
  void full(Saver saver) throws IOException {
    for (boolean hasOld : new boolean[] {true, false}) {
      for (boolean permanent : new boolean[] {true, false}) {
        int calls = all(saver, hasOld, true, k -> FailingCall.full(k, permanent));
        assertTrue(calls >= 15, calls + " calls");
      }
    }
  }

  /** One byte at a time. */
  @ParameterizedTest
  @EnumSource
  void shortWrites(Saver saver) throws IOException {
    Path file = folder.resolve("file");
    Fault one =
        new Fault() {
          @Override
          public void before(Call call) {}

          @Override
          public int written(int bytes) {
            return 1;
          }
        };
    saver.save(FaultyFileSystem.path(file, one), NEW);
    assertEquals(NEW, saver.load(file));
  }

  /** Reads that fail say where; those that get other bytes are noticed. */
  @ParameterizedTest
  @EnumSource
  void failingReads(Saver saver) throws IOException {
    Path file = folder.resolve("file");
    saver.save(file, NEW);
    for (int k = 1; ; k++) {
      FailingCall fault = FailingCall.broken(k, false);
      Path faulty = FaultyFileSystem.path(file, fault);
      try {
        int found = saver.load(faulty);
        assertEquals(NEW, found);
        if (!fault.failed()) {
          assertTrue(k > 5, k + " calls");
          return;
        }
      } catch (IOException e) {
        assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
        assertTrue(e.getMessage().contains(fault.reason()), e.getMessage());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void otherBytes(Saver saver) throws IOException {
    Path file = folder.resolve("file");
    saver.save(file, NEW);
    for (int k = 1; ; k++) {
      OtherByte fault = new OtherByte(k);
      Path faulty = FaultyFileSystem.path(file, fault);
      if (!fault.isPossible(() -> saver.load(faulty))) {
        assertTrue(k > 3, k + " reads");
        return;
      }
    }
  }

  /** Changes the last byte of a read. */
  private static final class OtherByte implements Fault {
    private final int number;
    private int reads;

    OtherByte(int number) {
      this.number = number;
    }

    @Override
    public void before(Call call) {}

    @Override
    public void read(ByteBuffer bytes, int from) {
      if (bytes.position() > from) {
        reads++;
        if (reads == number) {
          int last = bytes.position() - 1;
          bytes.put(last, (byte) (bytes.get(last) ^ 4));
        }
      }
    }

    private interface Load {
      int load() throws IOException;
    }

    /** Whether there was such a read, which then must have been noticed. */
    boolean isPossible(Load load) throws IOException {
      try {
        load.load();
      } catch (IOException e) {
        assertTrue(reads >= number, e.getMessage());
        return true;
      }
      assertTrue(reads < number, "read " + number + " had another byte and nobody noticed");
      return false;
    }
  }
}
