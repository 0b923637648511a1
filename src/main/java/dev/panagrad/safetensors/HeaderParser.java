package dev.panagrad.safetensors;

import dev.panagrad.safetensors.JsonScanner.MalformedException;
import dev.panagrad.safetensors.JsonScanner.TooLargeException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads and checks a header, piece by piece, nothing deeper than the format is. */
final class HeaderParser {
  // Tensors and texts together. A name of a few bytes takes some 150 in memory; files have
  // thousands.
  static final int MAX_NAMES = 1_000_000;
  static final int MAX_RANK = 64; // extents of a shape, as in NumPy and PyTorch
  // Bits of one element, for the types that the format had in 2026.
  private static final Map<String, Integer> BITS = new HashMap<>();

  static {
    BITS.put("F4", 4);
    List.of("F6_E2M3", "F6_E3M2").forEach(type -> BITS.put(type, 6));
    List.of("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0").forEach(type -> BITS.put(type, 8));
    List.of("I16", "U16", "F16", "BF16").forEach(type -> BITS.put(type, 16));
    List.of("I32", "U32", "F32").forEach(type -> BITS.put(type, 32));
    List.of("C64", "F64", "I64", "U64").forEach(type -> BITS.put(type, 64));
  }

  final Map<String, String> metadata = new LinkedHashMap<>();
  final Map<String, TensorPlace> entries = new LinkedHashMap<>();
  private final Path file;
  private final long dataBytes;

  HeaderParser(Path file, long dataBytes) {
    this.file = file;
    this.dataBytes = dataBytes;
  }

  /** Reads a header, which is used up. */
  void parse(byte[] header) throws SafetensorsException {
    if (header[0] != '{') {
      throw wrong("the header does not begin with '{'");
    }
    try {
      JsonScanner in = new JsonScanner(header);
      in.expect('{', "the header");
      boolean hasMetadata = false;
      for (boolean first = true; in.hasNext('}', first, "the header"); first = false) {
        int at = in.position();
        String name = name(in, "a tensor's name");
        if (!name.equals(SafetensorsFile.METADATA)) {
          requireNew(at, name, entries.put(name, entry(in, name)));
        } else {
          requireNew(at, name, hasMetadata ? name : null);
          hasMetadata = true;
          metadata(in);
        }
        requireFew(at);
      }
      in.end("the header's object");
    } catch (MalformedException e) {
      String kind =
          e instanceof TooLargeException ? "" : "the header is not JSON as it should be: ";
      throw new SafetensorsException(file, Long.BYTES + (long) e.at, kind + e.getMessage());
    }
    requireOneAfterTheOther();
  }

  private void metadata(JsonScanner in) throws MalformedException {
    in.expect('{', "the metadata");
    for (boolean first = true; in.hasNext('}', first, "the metadata"); first = false) {
      int at = in.position();
      String name = name(in, "a name of the metadata");
      requireNew(at, name, metadata.put(name, in.string("metadata '" + Excerpt.of(name) + "'")));
      requireFew(at);
    }
  }

  private static String name(JsonScanner in, String what) throws MalformedException {
    String name = in.string(what);
    in.expect(':', what);
    return name;
  }

  private static void requireNew(int at, String name, Object before) throws MalformedException {
    if (before != null) {
      throw new MalformedException(at, "there are two members '%s'".formatted(Excerpt.of(name)));
    }
  }

  private void requireFew(int at) throws MalformedException {
    if (metadata.size() + entries.size() > MAX_NAMES) {
      throw new MalformedException(
          at, "there are more than the %,d names that are read".formatted(MAX_NAMES));
    }
  }

  private TensorPlace entry(JsonScanner in, String name) throws MalformedException {
    String tensor = "tensor '" + Excerpt.of(name) + "'";
    in.expect('{', tensor);
    String dtype = null;
    long[] extents = null;
    long[] offsets = null;
    int at = in.position();
    for (boolean first = true; in.hasNext('}', first, tensor); first = false) {
      at = in.position();
      String member = name(in, tensor);
      switch (member) {
        case "dtype" -> {
          requireNew(at, member, dtype);
          dtype = in.string("the dtype of " + tensor);
        }
        case "shape" -> {
          requireNew(at, member, extents);
          extents = counts(in, "the shape of " + tensor, MAX_RANK);
        }
        case "data_offsets" -> {
          requireNew(at, member, offsets);
          offsets = counts(in, "the offsets of " + tensor, 2);
        }
        default ->
            throw new MalformedException(
                at, "%s has an unknown member '%s'".formatted(tensor, Excerpt.of(member)));
      }
    }
    if (dtype == null || extents == null || offsets == null || offsets.length != 2) {
      throw new MalformedException(at, tensor + " needs dtype, shape and two data_offsets");
    }
    if (offsets[0] > offsets[1] || offsets[1] > dataBytes) {
      throw new MalformedException(
          at,
          "%s is at [%,d, %,d) of %,d bytes".formatted(tensor, offsets[0], offsets[1], dataBytes));
    }
    long bytes = offsets[1] - offsets[0];
    if (!isSize(extents, BITS.get(dtype), bytes)) {
      throw new MalformedException(
          at,
          "%s of %s and shape %s does not take the %,d bytes that it has"
              .formatted(tensor, Excerpt.of(dtype), Arrays.toString(extents), bytes));
    }
    return new TensorPlace(dtype, Arrays.stream(extents).boxed().toList(), offsets[0], offsets[1]);
  }

  private static long[] counts(JsonScanner in, String what, int most) throws MalformedException {
    in.expect('[', what);
    long[] counts = new long[most];
    int count = 0;
    while (in.hasNext(']', count == 0, what)) {
      if (count == most) {
        throw new MalformedException(in.position(), what + " has more than " + most + " numbers");
      }
      counts[count] = in.count(what);
      count++;
    }
    return Arrays.copyOf(counts, count);
  }

  /** True if so many elements take so many bytes; unknown types are refused when asked for. */
  private static boolean isSize(long[] extents, Integer bits, long bytes) {
    long count = 1;
    boolean isEmpty = false;
    for (long extent : extents) {
      isEmpty |= extent == 0;
      if (extent > 0 && count > Long.MAX_VALUE / extent) {
        return false;
      }
      count *= Math.max(extent, 1);
    }
    if (bits == null) {
      return true;
    }
    BigInteger needed = BigInteger.valueOf(isEmpty ? 0 : count).multiply(BigInteger.valueOf(bits));
    return needed.equals(BigInteger.valueOf(bytes).multiply(BigInteger.valueOf(Byte.SIZE)));
  }

  /** Tensors fill the file: no byte belongs to two of them or to none. */
  private void requireOneAfterTheOther() throws SafetensorsException {
    List<String> ordered = new ArrayList<>(entries.keySet());
    ordered.sort(
        Comparator.comparingLong((String name) -> entries.get(name).begin())
            .thenComparingLong(name -> entries.get(name).end()));
    long end = 0;
    for (String name : ordered) {
      TensorPlace next = entries.get(name);
      if (next.begin() != end) {
        throw wrong(
            "tensor '%s' begins at byte %,d of the data, and the one before it ends at %,d"
                .formatted(Excerpt.of(name), next.begin(), end));
      }
      end = next.end();
    }
    if (end != dataBytes) {
      throw wrong(
          "the tensors take %,d bytes, and the file has %,d for them".formatted(end, dataBytes));
    }
  }

  private SafetensorsException wrong(String problem) {
    return new SafetensorsException(file, Long.BYTES, problem);
  }
}
