package dev.panagrad.faults;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.PartlyRestoredException;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A checkpoint that cannot be read, or reads as something else, at any moment: the optimizer is
 * what it was, or its owner is told that it is not.
 */
class RestoreTest {
  private static final int SAVED = 2;
  private static final int BEFORE = 7;

  @TempDir private Path folder;

  /** What happens to a read, by its number. */
  private record BadRead(int number, boolean fails, AtomicInteger count) implements Fault {
    @Override
    public void before(Call call) throws IOException {
      if (call == Call.READ) {
        count.incrementAndGet();
        if (fails && count.get() == number) {
          throw new IOException("Input/output error");
        }
      }
    }

    @Override
    public void read(ByteBuffer bytes, int from) {
      if (!fails && count.get() == number && bytes.position() > from) {
        bytes.put(from, (byte) (bytes.get(from) ^ 1));
      }
    }
  }

  @Test
  void unchangedOrTold() throws IOException {
    Path file = folder.resolve("file");
    Saver.CHECKPOINT.save(file, SAVED);
    for (boolean fails : new boolean[] {true, false}) {
      int unchanged = 0;
      int told = 0;
      int k = 0;
      boolean isDone = false;
      while (!isDone) {
        k++;
        try (Backend backend = Backends.open("scalar", new BackendOptions(1));
            TensorArena arena = TensorArena.open("restore")) {
          Optimizer optimizer = Saver.optimizer(backend, arena);
          optimizer.parameters().flat().fill(BEFORE);
          optimizer.resumeAt(BEFORE);
          BadRead fault = new BadRead(k, fails, new AtomicInteger());
          try {
            Checkpoint.restore(optimizer, FaultyFileSystem.path(file, fault));
            assertTrue(fault.count.get() < k, "read " + k + " was bad and nobody noticed");
            isDone = true;
          } catch (PartlyRestoredException e) {
            told++;
            assertEquals(BEFORE, optimizer.steps());
            assertTrue(e.getMessage().contains("restore a checkpoint before"), e.getMessage());
            Checkpoint.restore(optimizer, file);
            assertRestored(optimizer);
          } catch (IOException e) {
            unchanged++;
            assertEquals(0, told, "the first pass comes first");
            assertEquals(BEFORE, optimizer.steps());
            double[] values = optimizer.parameters().flat().toArray();
            double[] before = new double[values.length];
            Arrays.fill(before, BEFORE);
            assertArrayEquals(before, values);
          }
          if (isDone) {
            assertRestored(optimizer);
          }
        }
      }
      // Length and text of the header; each of six tensors twice.
      assertEquals(8, unchanged);
      assertEquals(6, told);
    }
  }

  private static void assertRestored(Optimizer optimizer) {
    assertEquals(SAVED, optimizer.steps());
    assertArrayEquals(new double[] {SAVED, SAVED}, optimizer.parameters().view("b").toArray());
  }
}
