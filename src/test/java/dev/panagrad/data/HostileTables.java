package dev.panagrad.data;

import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Reads damaged copies of files in a small heap: all that may come of one is a {@link
 * DataException} or a table. Ends with status 1 and a report where anything else does.
 */
final class HostileTables {
  /** More than a file of this size takes, however slow the machine. */
  private static final long MAX_NANOS = 5_000_000_000L;

  private static long read;
  private static long refused;

  private HostileTables() {}

  /** Arguments: a file to write to, every how many-th damage is tried, and the files. */
  public static void main(String[] args) throws IOException {
    Path copy = Path.of(args[0]);
    int stride = Integer.parseInt(args[1]);
    for (int f = 2; f < args.length; f++) {
      Path source = Path.of(args[f]);
      Path target = copy.resolveSibling("hostile-" + source.getFileName());
      byte[] whole = Files.readAllBytes(source);
      for (int length = 0; length < whole.length; length += stride) {
        attack(target, Arrays.copyOf(whole, length), source + " cut to " + length);
      }
      SplittableRandom random = new SplittableRandom(f);
      for (int at = 0; at < whole.length; at += stride) {
        for (int value : new int[] {whole[at] ^ 1, whole[at] ^ 0x80, -1, random.nextInt(256)}) {
          byte[] bytes = whole.clone();
          bytes[at] = (byte) value;
          attack(target, bytes, source + " with byte " + at + " = " + (value & 0xFF));
        }
        byte[] bytes = whole.clone();
        Arrays.fill(bytes, at, Math.min(at + 4, bytes.length), (byte) -1);
        attack(target, bytes, source + " with four bytes of ones at " + at);
      }
      Files.deleteIfExists(target);
    }
    System.out.println("read " + read + ", refused " + refused);
  }

  private static void attack(Path target, byte[] bytes, String what) throws IOException {
    // Not over the one before: mappings of it may still be read by a thread that ends late.
    Files.deleteIfExists(target);
    Files.write(target, bytes);
    long begin = System.nanoTime();
    try (Table table = TableFile.open(target)) {
      int columns = table.columns().size();
      long rows = table.rows();
      for (int c = 0; c < columns; c++) {
        try {
          table.read(
              new int[] {c},
              DType.F64,
              (row, i, value) -> {
                if (row < 0 || row >= rows || i != 0 || !Double.isFinite(value)) {
                  throw new AssertionError("row " + row + " of " + rows + ": " + value);
                }
              });
          read++;
        } catch (DataException e) {
          refuse(e, target);
        }
      }
    } catch (DataException e) {
      refuse(e, target);
    } catch (Throwable e) {
      System.out.println(what + ": " + e);
      e.printStackTrace(System.out);
      System.exit(1);
    }
    if (System.nanoTime() - begin > MAX_NANOS) {
      System.out.println(what + " takes " + (System.nanoTime() - begin) / 1e9 + " s");
      System.exit(1);
    }
  }

  private static void refuse(DataException e, Path target) {
    refused++;
    String message = e.getMessage();
    if (message == null || !message.contains(target.toString())) {
      throw new AssertionError("a message without the file's name", e);
    }
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof OutOfMemoryError || cause instanceof StackOverflowError) {
        throw new AssertionError("something was not bounded", e);
      }
    }
  }
}
