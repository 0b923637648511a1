package dev.panagrad.safetensors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.panagrad.ChildJvm;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory that headers take, by what the thread allocates: what is live is less. */
class HeaderMemoryTest {
  private static final long MIB = 1L << 20;

  @TempDir private Path folder;

  private Path file(String header) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(Long.BYTES + json.length).order(ByteOrder.LITTLE_ENDIAN);
    return Files.write(folder.resolve("file"), all.putLong(json.length).put(json).array());
  }

  private static long allocated() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    return threads.getCurrentThreadAllocatedBytes();
  }

  /** The bytes and the text: twice the header, and four times more if it is not Latin. */
  @Test
  void longTexts() throws IOException {
    for (String part :
        new String[] {"abcdefgh", "a\\n\\\"bcd", "\u00e4\u00f6\u00fc", "\u6f22\u5b57"}) {
      String text = part.repeat(1_000_000);
      Path file = file("{\"__metadata__\":{\"a\":\"" + text + "\"}}");
      boolean isLatin = part.charAt(0) < 0x100;
      long most = Files.size(file) * (isLatin ? 3 : 6) + MIB;
      if (part.charAt(0) < 0x80) {
        most = Files.size(file) * 2 + MIB;
      }
      long before = allocated();
      try (SafetensorsFile in = SafetensorsFile.open(file)) {
        long used = allocated() - before;
        assertTrue(used <= most, "%s: %,d of %,d".formatted(part, used, most));
        before = allocated();
        assertThrows(SafetensorsException.class, in::requireIntactHeader);
        used = allocated() - before;
        assertTrue(used < MIB, "the sum of the header takes %,d bytes".formatted(used));
        assertEquals(
            part.contains("\\") ? "a\n\"bcd".repeat(1_000_000) : text, in.metadata().get("a"));
      }
    }
  }

  /** Of small names there is a limit. */
  @Test
  void manyNames() throws IOException {
    StringBuilder header = new StringBuilder("{\"__metadata__\":{");
    for (int i = 0; i <= HeaderParser.MAX_NAMES; i++) {
      header.append(i == 0 ? "\"" : ",\"").append(Integer.toString(i, 36)).append("\":\"\"");
    }
    Path file = file(header.append("}}").toString());
    SafetensorsException e =
        assertThrows(SafetensorsException.class, () -> SafetensorsFile.open(file));
    assertTrue(e.getMessage().contains("1,000,000 names"), e.getMessage());
  }

  /** A list of names is read as far as there may be names. */
  @Test
  void manyNamesInAList() {
    String text = "[" + "\"\",".repeat(1_000_000) + "\"\"]";
    long before = allocated();
    IOException e = assertThrows(IOException.class, () -> NameList.parse(text, 1000));
    long used = allocated() - before;
    assertTrue(e.getMessage().contains("more names than the 1,000"), e.getMessage());
    assertTrue(used < text.length() + MIB, "%,d bytes".formatted(used));
  }

  /** True headers in a small heap: each is read, or refused with the remedy. */
  @Test
  void smallHeap() throws IOException, InterruptedException {
    List<String> found =
        ChildJvm.output(SmallHeap.class, "-Xmx64m", "-Dfile=" + folder.resolve("file"))
            .lines()
            .filter(line -> line.contains(" MiB: "))
            .toList();
    assertEquals(18, found.size(), found.toString());
    for (String line : found) {
      boolean isRefused = line.contains("quarter of the heap") && line.endsWith("(-Xmx)");
      assertTrue(line.endsWith(": read") || isRefused, line);
      int mebibytes = Integer.parseInt(line.replaceAll("\\D+(\\d+) MiB.*", "$1"));
      assertTrue(mebibytes > 1 || !isRefused, line);
      assertTrue(mebibytes < 16 || isRefused, line);
    }
  }

  /** Writes headers of some sizes, and opens each. */
  static final class SmallHeap {
    private SmallHeap() {}

    public static void main(String[] args) throws IOException {
      Path file = Path.of(System.getProperty("file"));
      for (int mebibytes : new int[] {1, 2, 6, 16, 48, 90}) {
        for (String kind : List.of("a", "\u0436", "tensors")) {
          write(file, kind, mebibytes * MIB);
          String found;
          try (SafetensorsFile in = SafetensorsFile.open(file)) {
            found = in.names().size() + in.metadata().size() > 0 ? "read" : "lost";
          } catch (SafetensorsException e) {
            found = e.getMessage();
          }
          System.out.println(kind + " of " + mebibytes + " MiB: " + found);
        }
      }
    }

    private static void write(Path file, String kind, long bytes) throws IOException {
      try (FileChannel out =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        long tensors = 0;
        long length = 0;
        StringBuilder part = new StringBuilder("{");
        if (!kind.equals("tensors")) {
          part.append("\"__metadata__\":{\"x\":\"");
        }
        out.position(Long.BYTES);
        while (length < bytes) {
          while (part.length() < 1 << 16) {
            if (!kind.equals("tensors")) {
              part.append(kind.repeat(1000));
              continue;
            }
            part.append(tensors == 0 ? "" : ",").append("\"t").append(10_000_000 + tensors);
            part.append("\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[")
                .append(4 * tensors);
            part.append(',').append(4 * ++tensors).append("]}");
          }
          length += write(out, part);
        }
        part.append(kind.equals("tensors") ? "}" : "\"}}");
        length += write(out, part);
        out.write(ByteBuffer.wrap(new byte[1]), Long.BYTES + length + 4 * tensors);
        ByteBuffer prefix = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.write(prefix.putLong(0, length), 0);
        out.truncate(Long.BYTES + length + 4 * tensors);
      }
    }

    private static long write(FileChannel out, StringBuilder part) throws IOException {
      byte[] bytes = part.toString().getBytes(StandardCharsets.UTF_8);
      out.write(ByteBuffer.wrap(bytes));
      part.setLength(0);
      return bytes.length;
    }
  }
}
