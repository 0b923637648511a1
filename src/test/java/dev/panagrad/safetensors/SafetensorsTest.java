package dev.panagrad.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files written are read back; files that lie are refused with the byte where they do. */
@Tag("first")
class SafetensorsTest {
  @TempDir private Path folder;

  private Path file(String header, int dataBytes) throws IOException {
    return file(header.getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  private Path file(byte[] header, int dataBytes) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(Long.BYTES + header.length + dataBytes);
    all.order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).put(header);
    return Files.write(folder.resolve("file.safetensors"), all.array());
  }

  private static SafetensorsException refused(Path file) {
    SafetensorsException e =
        assertThrows(SafetensorsException.class, () -> SafetensorsFile.open(file));
    assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    assertTrue(e.getMessage().contains("byte " + "%,d".formatted(e.offset())), e.getMessage());
    return e;
  }

  @Test
  void roundTrip() throws IOException {
    Path file = folder.resolve("round.safetensors");
    try (TensorArena arena = TensorArena.open("round trip")) {
      Tensor a = arena.allocate("a", DType.F32, 3, 5);
      Tensor b = arena.allocate("b \"quoted\" \u00e4", DType.F64, 7);
      Tensor c = arena.allocate("c", DType.I64, 2);
      Tensor empty = arena.allocate("empty", DType.F32, 0, 4);
      for (long i = 0; i < 15; i++) {
        a.set(i, i + 0.5);
      }
      b.fill(Math.PI);
      c.setLong(1, Long.MIN_VALUE);
      Tensor gaps = a.columns(1, 3).named("gaps");
      SafetensorsWriter.write(file, Map.of("key", "value\n\u2028"), List.of(a, b, c, empty, gaps));
      try (SafetensorsFile in = SafetensorsFile.open(file)) {
        assertEquals("value\n\u2028", in.metadata().get("key"));
        assertEquals(5, in.names().size());
        for (Tensor written : List.of(a, b, c, empty, gaps)) {
          Tensor mapped = in.map(arena, written.name());
          assertTrue(mapped.isReadOnly());
          for (Tensor found : List.of(mapped, in.read(arena, written.name()))) {
            assertEquals(written.dtype(), found.dtype());
            assertEquals(written.shape(), found.shape());
            assertArrayEquals(written.toArray(), found.toArray(), written.name());
          }
          in.requireIntact(written.name());
        }
        Tensor other = arena.allocate("other", DType.F32, 3, 5);
        in.read("gaps", other.columns(2, 3));
        assertArrayEquals(gaps.toArray(), other.columns(2, 3).toArray());
        assertEquals(0, other.get(0, 1));
        assertEquals(0, other.get(2, 1));
        assertThrows(IllegalArgumentException.class, () -> in.read("gaps", other));
        double[] doubles = new double[6];
        double[] last = new double[1];
        in.readDoubles(b.name(), doubles, last);
        assertArrayEquals(
            b.toArray(),
            DoubleStream.concat(Arrays.stream(doubles), Arrays.stream(last)).toArray());
        assertThrows(IllegalArgumentException.class, () -> in.readDoubles(b.name(), doubles));
        assertThrows(IllegalArgumentException.class, () -> in.readDoubles("a", new double[15]));
        assertThrows(SafetensorsException.class, () -> in.map(arena, "none"));
        assertThrows(SafetensorsException.class, () -> in.read(arena, "none"));
      }
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of(file), left.toList(), "no temporary file is left");
    }
  }

  /** What the reference implementation writes, byte by byte. */
  @Test
  void fileOfAnotherWriter() throws IOException {
    byte[] header =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"h\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[8,10]}}   "
            .getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(header, (header.length + 7) / 8 * 8);
    Arrays.fill(padded, header.length, padded.length, (byte) ' ');
    try (SafetensorsFile in = SafetensorsFile.open(file(padded, 10));
        TensorArena arena = TensorArena.open("other")) {
      assertArrayEquals(new double[2], in.map(arena, "w").toArray());
      SafetensorsException e = assertThrows(SafetensorsException.class, () -> in.map(arena, "h"));
      assertTrue(e.getMessage().contains("is F16"), e.getMessage());
      assertTrue(in.metadata().isEmpty());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "[] | does not begin",
        "{\"a\" | JSON",
        "{}x | only blanks",
        "{}{} | only blanks",
        "{\"a\":1} | where '{' is needed",
        "{\"a\":{}} | needs dtype, shape",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}} | two data_offsets",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,1,2]}} | more than 2 numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}} | unknown member",
        "{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,2]}} | has 4 for them",
        "{\"a\":{\"dtype\":\"F4\",\"shape\":[7],\"data_offsets\":[0,4]}} | does not take the 4 bytes",
        "{\"a\":{\"dtype\":\"F31\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}} | does not take the 4 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}} | begins with 0",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]}} | a whole number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,],\"data_offsets\":[0,4]}} | a whole number",
        "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | two members",
        "{\"__metadata__\":{},\"__metadata__\":{}} | two members",
        "{\"__metadata__\":{\"a\":\"\\x\"}} | unknown escape",
        "{\"__metadata__\":{\"a\":\"\\u12g4\"}} | four digits",
        "{\"__metadata__\":{\"a\":\"\\ud800\\u0020\"}} | surrogate",
        "{\"__metadata__\":{\"a\":\"\\udc00\\ud800\"}} | surrogate",
        "{\"__metadata__\":{\"a\":\"\u0009\"}} | control character",
        "{\"__metadata__\":{\"a\":\"b\",}} | where '\"' is needed",
        "{\"__metadata__\":{\"a\" \"b\"}} | where ':' is needed",
        "{\"__metadata__\":{\"a\":\"b} | within a string",
        "{\"__metadata__\":{\"a\":\"b\"}, | found the end",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}} | a whole number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | not negative",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}} | JSON",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}} | is at [4, 0)",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | of 4 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}} | does not take the 4 bytes",
        "{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904,4611686018427387904],\"data_offsets\":[0,0]}} | does not take",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":["
            + "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"
            + "],\"data_offsets\":[0,4]}} | more than 64",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | two members",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | ends at 4",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}} | begins at byte 1",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}} | has 4 for them",
        "{} | has 4 for them",
        "{\"__metadata__\":{\"a\":{}}} | '\"' is needed",
        "{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}} | two members",
        "{\"a\":[[[[[[[[]]]]]]]]} | where '{' is needed",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[[1]],\"data_offsets\":[0,4]}} | JSON",
      })
  void headerThatLies(String header, String reason) throws IOException {
    SafetensorsException e = refused(file(header, 4));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @Test
  void bytesThatAreNoText() throws IOException {
    byte[] header = "{\"aXb\":1}".getBytes(StandardCharsets.UTF_8);
    header[3] = (byte) 0xFF;
    refused(file(header, 0));
  }

  @Test
  void lengthOfTheHeader() throws IOException {
    for (long length : new long[] {0, 1, 100, 1L << 40, -1, Long.MIN_VALUE}) {
      ByteBuffer all = ByteBuffer.allocate(50).order(ByteOrder.LITTLE_ENDIAN);
      all.putLong(length).put((byte) '{');
      SafetensorsException e = refused(Files.write(folder.resolve("short"), all.array()));
      assertEquals(0, e.offset());
    }
    for (int size = 0; size < 8; size++) {
      refused(Files.write(folder.resolve("short"), new byte[size]));
    }
  }

  /** A file cut short anywhere, or with a flipped byte, is refused or has the same tensors. */
  @Test
  void damage() throws IOException {
    Path whole = folder.resolve("whole");
    try (TensorArena arena = TensorArena.open("damage")) {
      Tensor w = arena.allocate("w", DType.F32, 4, 4).fill(1.25);
      SafetensorsWriter.write(whole, Map.of("a", "b"), List.of(w));
    }
    byte[] bytes = Files.readAllBytes(whole);
    Path damaged = folder.resolve("damaged");
    for (int length = 0; length < bytes.length; length++) {
      Files.write(damaged, Arrays.copyOf(bytes, length));
      refused(damaged);
    }
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < bytes.length; i++) {
      byte[] flipped = bytes.clone();
      flipped[i] ^= (byte) (1 << random.nextInt(8));
      Files.write(damaged, flipped);
      try (SafetensorsFile in = SafetensorsFile.open(damaged)) {
        in.requireIntactHeader();
        in.requireIntact("w");
        fail("byte " + i + " was flipped and nobody noticed");
      } catch (IOException e) {
        assertTrue(e.getMessage().contains(damaged.toString()), e.getMessage());
      }
    }
  }

  /** Others may read it as they may read any new file; a link leads to the new content. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void permissionsAndLinks() throws IOException {
    Path any = Files.createFile(folder.resolve("any"));
    Path file = folder.resolve("file");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    try (TensorArena arena = TensorArena.open("links")) {
      for (int i = 1; i <= 2; i++) {
        Tensor w = arena.allocate("w", DType.F32, i);
        SafetensorsWriter.write(i == 1 ? file : link, Map.of(), List.of(w));
        try (SafetensorsFile in = SafetensorsFile.open(file)) {
          assertEquals(i, in.shape("w").count());
        }
      }
    }
    assertTrue(Files.isSymbolicLink(link));
    assertEquals(Files.getPosixFilePermissions(any), Files.getPosixFilePermissions(file));
    Set<PosixFilePermission> own = PosixFilePermissions.fromString("rw-------");
    Files.setPosixFilePermissions(file, own);
    try (TensorArena arena = TensorArena.open("own")) {
      SafetensorsWriter.write(file, Map.of(), List.of(arena.allocate("w", DType.F32, 1)));
    }
    assertEquals(own, Files.getPosixFilePermissions(file));
  }

  /** Of a writer that is gone, and not of one that writes or has just begun. */
  @Test
  void abandonedFilesAreRemoved() throws IOException {
    Path file = folder.resolve("file");
    Path gone = Files.writeString(folder.resolve(".file.0123456789abcdef.tmp"), "half");
    Path writing = Files.writeString(folder.resolve(".file.1123456789abcdef.tmp"), "half");
    FileTime old = FileTime.from(Instant.now().minusSeconds(120));
    Files.setLastModifiedTime(gone, old);
    Files.setLastModifiedTime(writing, old);
    Path begun = Files.writeString(folder.resolve(".file.2123456789abcdef.tmp"), "half");
    Path other = Files.createDirectory(folder.resolve(".file.3123456789abcdef.tmp"));
    try (TensorArena arena = TensorArena.open("abandoned");
        FileChannel channel = FileChannel.open(writing, StandardOpenOption.WRITE)) {
      channel.lock();
      SafetensorsWriter.write(file, Map.of(), List.of(arena.allocate("w", DType.F32, 1)));
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(Set.of(file, writing, begun, other), left.collect(Collectors.toSet()));
    }
  }

  /** A pipe or device is not replaced by a file. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void onlyRegularFilesAreReplaced() throws IOException, InterruptedException {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    try (TensorArena arena = TensorArena.open("pipe")) {
      Tensor w = arena.allocate("w", DType.F32, 1);
      IOException e =
          assertThrows(
              IOException.class, () -> SafetensorsWriter.write(pipe, Map.of(), List.of(w)));
      assertTrue(e.getMessage().contains("not a regular file"), e.getMessage());
    }
    assertFalse(Files.isRegularFile(pipe));
  }

  @Test
  void otherEncodings() throws IOException {
    for (var charset :
        List.of(
            StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE, Charset.forName("UTF-32LE"))) {
      refused(file("{}".getBytes(charset), 0));
    }
    byte[] header = "{\"__metadata__\":{\"a\":\"XY\"}}".getBytes(StandardCharsets.UTF_8);
    int at = header.length - 5;
    header[at] = (byte) 0xC0;
    header[at + 1] = (byte) 0x80;
    refused(file(header, 0));
    refused(file("{\"__metadata__\":{\"a\":\"\\ud800\"}}", 0));
    refused(file("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[-0,0]}}", 0));
    try (TensorArena arena = TensorArena.open("texts")) {
      Tensor w = arena.allocate("w", DType.F32, 1);
      assertThrows(
          IllegalArgumentException.class,
          () -> SafetensorsWriter.write(folder.resolve("x"), Map.of("a", "\ud800"), List.of(w)));
    }
  }

  /** Every escape, and characters of one to four bytes by theirs. */
  @Test
  void escapes() throws IOException {
    StringBuilder expected = new StringBuilder("\"\\/\b\f\n\r\t");
    StringBuilder written = new StringBuilder("\\\"\\\\\\/\\b\\f\\n\\r\\t");
    for (int point = 0; point <= Character.MAX_CODE_POINT; point += point < 0x900 ? 1 : 0x1f) {
      if (point < Character.MIN_SURROGATE || point > Character.MAX_SURROGATE) {
        expected.appendCodePoint(point);
        for (char c : Character.toChars(point)) {
          written.append("\\u%04x".formatted((int) c));
        }
      }
    }
    try (SafetensorsFile in =
        SafetensorsFile.open(file("{\"__metadata__\" : { \"a\":\n\"" + written + "\"\t}\r}", 0))) {
      assertEquals(expected.toString(), in.metadata().get("a"));
    }
  }

  /** What cannot be written leaves what was there. */
  @Test
  void writeThatFails() throws IOException {
    try (TensorArena arena = TensorArena.open("failing")) {
      Tensor w = arena.allocate("w", DType.F32, 4);
      Path missing = folder.resolve("none").resolve("file");
      IOException e =
          assertThrows(
              IOException.class, () -> SafetensorsWriter.write(missing, Map.of(), List.of(w)));
      assertTrue(e.getMessage().contains("bytes"), e.getMessage());
      assertTrue(e.getMessage().contains("no directory"), e.getMessage());
      assertThrows(IOException.class, () -> SafetensorsWriter.write(folder, Map.of(), List.of(w)));
      assertThrows(
          IllegalArgumentException.class,
          () -> SafetensorsWriter.write(missing, Map.of(), List.of(w, w)));
      Path file = folder.resolve("file");
      SafetensorsWriter.write(file, Map.of(), List.of(w));
      byte[] before = Files.readAllBytes(file);
      Tensor closed;
      try (TensorArena inner = TensorArena.open("inner")) {
        closed = inner.allocate("closed", DType.F32, 4);
      }
      assertThrows(
          IllegalStateException.class,
          () -> SafetensorsWriter.write(file, Map.of(), List.of(closed)));
      assertArrayEquals(before, Files.readAllBytes(file));
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(1, left.count());
    }
  }

  /** Where numbers of messages have other digits, files have the same bytes. */
  @Test
  void filesDoNotDependOnTheLocale() throws IOException {
    Locale before = Locale.getDefault();
    try (TensorArena arena = TensorArena.open("locale")) {
      Tensor tensor = arena.allocate("a", DType.F64, 12, 3);
      Path one = folder.resolve("one.safetensors");
      Path other = folder.resolve("other.safetensors");
      SafetensorsWriter.write(one, Map.of("key", "text"), List.of(tensor));
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      SafetensorsWriter.write(other, Map.of("key", "text"), List.of(tensor));
      assertEquals(-1, Files.mismatch(one, other));
    } finally {
      Locale.setDefault(before);
    }
  }
}
