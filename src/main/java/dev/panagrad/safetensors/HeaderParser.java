package dev.panagrad.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads and checks a header. It is read by tokens, nothing deeper than the format is, and every
 * number is checked before it is used.
 */
final class HeaderParser {
  /** The header, an entry, a list. */
  private static final int MAX_DEPTH = 3;

  /** Characters that are looked at together. */
  private static final int CHUNK = 8192;

  private static final int MAX_NUMBER_DIGITS = 20;
  private static final int MAX_TEXT = 100_000_000;

  /** Extents of the largest shape that tensors have here, and a few more that may be listed. */
  private static final int MAX_RANK = 8;

  private static final Map<String, Integer> BITS =
      Map.ofEntries(
          Map.entry("BOOL", 8),
          Map.entry("U8", 8),
          Map.entry("I8", 8),
          Map.entry("F8_E5M2", 8),
          Map.entry("F8_E4M3", 8),
          Map.entry("I16", 16),
          Map.entry("U16", 16),
          Map.entry("F16", 16),
          Map.entry("BF16", 16),
          Map.entry("I32", 32),
          Map.entry("U32", 32),
          Map.entry("F32", 32),
          Map.entry("F64", 64),
          Map.entry("I64", 64),
          Map.entry("U64", 64));

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(MAX_NUMBER_DIGITS)
                  .maxStringLength(MAX_TEXT)
                  .maxNameLength(MAX_TEXT)
                  .build())
          .build();

  final Map<String, String> metadata = new LinkedHashMap<>();
  final Map<String, SafetensorsFile.Entry> entries = new LinkedHashMap<>();
  private final Path file;
  private final long dataBytes;

  /** For a file whose tensors take that many bytes. */
  HeaderParser(Path file, long dataBytes) {
    this.file = file;
    this.dataBytes = dataBytes;
  }

  void parse(byte[] header) throws IOException {
    if (header[0] != '{') {
      throw new SafetensorsException(file, Long.BYTES, "the header does not begin with '{'");
    }
    requireText(header);
    try (JsonParser in = JSON.createParser(header)) {
      in.nextToken();
      while (in.nextToken() == JsonToken.FIELD_NAME) {
        String name = in.currentName();
        if (name.equals(SafetensorsFile.METADATA)) {
          metadata(in);
        } else {
          entries.put(paired(in, name), entry(in, name));
        }
      }
      int end = Math.toIntExact(in.currentLocation().getByteOffset());
      for (int i = end; i < header.length; i++) {
        if (header[i] != ' ') {
          throw new SafetensorsException(
              file, Long.BYTES + (long) i, "after the header's object there are only blanks");
        }
      }
    } catch (JsonProcessingException e) {
      long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
      throw new SafetensorsException(
          file,
          Long.BYTES + at,
          "the header is not JSON as it should be: " + e.getOriginalMessage());
    }
    requireOneAfterTheOther();
  }

  /** The parser would take other encodings, and UTF-8 that is longer than it should be. */
  private void requireText(byte[] header) throws IOException {
    for (int i = 0; i < header.length; i++) {
      if (header[i] == 0) {
        throw new SafetensorsException(file, Long.BYTES + (long) i, "the header has a zero byte");
      }
    }
    ByteBuffer bytes = ByteBuffer.wrap(header);
    CharBuffer chars = CharBuffer.allocate(CHUNK);
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CoderResult result = CoderResult.OVERFLOW;
    while (result.isOverflow()) {
      chars.clear();
      result = decoder.decode(bytes, chars, true);
    }
    if (result.isError()) {
      throw new SafetensorsException(
          file, Long.BYTES + (long) bytes.position(), "the header is not UTF-8");
    }
  }

  /** Half of a pair is a text in Java, and in no other place. */
  private String paired(JsonParser in, String text) throws IOException {
    if (!SafetensorsWriter.isPaired(text)) {
      throw wrong(in, "a text has half of a surrogate pair");
    }
    return text;
  }

  private void metadata(JsonParser in) throws IOException {
    expect(in, in.nextToken(), JsonToken.START_OBJECT, "the metadata");
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String name = in.currentName();
      expect(in, in.nextToken(), JsonToken.VALUE_STRING, "metadata '" + name + "'");
      metadata.put(paired(in, name), paired(in, in.getText()));
    }
  }

  private SafetensorsFile.Entry entry(JsonParser in, String name) throws IOException {
    expect(in, in.nextToken(), JsonToken.START_OBJECT, "tensor '" + name + "'");
    String dtype = null;
    long[] extents = null;
    long[] offsets = null;
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String field = in.currentName();
      switch (field) {
        case "dtype" -> {
          expect(in, in.nextToken(), JsonToken.VALUE_STRING, "the dtype of '" + name + "'");
          dtype = in.getText();
        }
        case "shape" -> extents = numbers(in, "the shape of '" + name + "'", MAX_RANK);
        case "data_offsets" -> offsets = numbers(in, "the offsets of '" + name + "'", 2);
        default -> throw wrong(in, "tensor '" + name + "' has an unknown member '" + field + "'");
      }
    }
    if (dtype == null || extents == null || offsets == null || offsets.length != 2) {
      throw wrong(in, "tensor '" + name + "' needs dtype, shape and two data_offsets");
    }
    Integer bits = BITS.get(dtype);
    if (bits == null) {
      throw wrong(in, "tensor '" + name + "' has the unknown dtype '" + dtype + "'");
    }
    if (offsets[0] > offsets[1] || offsets[1] > dataBytes) {
      throw wrong(
          in,
          "tensor '%s' is at [%,d, %,d) of %,d bytes"
              .formatted(name, offsets[0], offsets[1], dataBytes));
    }
    if (!isProduct(extents, bits / Byte.SIZE, offsets[1] - offsets[0])) {
      throw wrong(
          in,
          "tensor '%s' of %s and shape %s does not take the %,d bytes that it has"
              .formatted(name, dtype, Arrays.toString(extents), offsets[1] - offsets[0]));
    }
    return new SafetensorsFile.Entry(
        dtype, Arrays.stream(extents).boxed().toList(), offsets[0], offsets[1]);
  }

  private static boolean isProduct(long[] extents, long elementBytes, long bytes) {
    long product = elementBytes;
    for (long extent : extents) {
      if (extent != 0 && product > Long.MAX_VALUE / extent) {
        return false;
      }
      product *= extent;
    }
    return product == bytes;
  }

  private long[] numbers(JsonParser in, String what, int most) throws IOException {
    expect(in, in.nextToken(), JsonToken.START_ARRAY, what);
    long[] numbers = new long[most];
    int count = 0;
    while (in.nextToken() != JsonToken.END_ARRAY) {
      expect(in, in.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
      if (count == most) {
        throw wrong(in, what + " has more than " + most + " numbers");
      }
      if (in.getText().startsWith("-")) {
        throw wrong(in, what + " has a negative number");
      }
      numbers[count] = in.getLongValue();
      count++;
    }
    return Arrays.copyOf(numbers, count);
  }

  private void expect(JsonParser in, JsonToken found, JsonToken expected, String what)
      throws IOException {
    if (found != expected) {
      throw wrong(in, "%s: %s where %s is needed".formatted(what, found, expected));
    }
  }

  private SafetensorsException wrong(JsonParser in, String problem) {
    return new SafetensorsException(
        file, Long.BYTES + Math.max(0, in.currentTokenLocation().getByteOffset()), problem);
  }

  /** Tensors fill the file: no byte belongs to two of them or to none. */
  private void requireOneAfterTheOther() throws IOException {
    List<Map.Entry<String, SafetensorsFile.Entry>> ordered =
        entries.entrySet().stream()
            .sorted(
                Comparator.comparingLong(
                        (Map.Entry<String, SafetensorsFile.Entry> e) -> e.getValue().begin())
                    .thenComparingLong(e -> e.getValue().end()))
            .toList();
    long end = 0;
    for (Map.Entry<String, SafetensorsFile.Entry> next : ordered) {
      if (next.getValue().begin() != end) {
        throw new SafetensorsException(
            file,
            Long.BYTES,
            "tensor '%s' begins at byte %,d of the data, and the one before it ends at %,d"
                .formatted(next.getKey(), next.getValue().begin(), end));
      }
      end = next.getValue().end();
    }
    if (end != dataBytes) {
      throw new SafetensorsException(
          file,
          Long.BYTES,
          "the tensors take %,d bytes, and the file has %,d for them".formatted(end, dataBytes));
    }
  }
}
