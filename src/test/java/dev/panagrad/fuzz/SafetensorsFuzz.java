package dev.panagrad.fuzz;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.panagrad.safetensors.SafetensorsException;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/** Headers and tensors, compared with another reader of JSON and with the bytes of the file. */
public final class SafetensorsFuzz {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private static final int ALLOCATED_PER_BYTE = 200;

  private SafetensorsFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    Reading.check(
        "x.safetensors", bytes, ALLOCATED_PER_BYTE, file -> requireSameContent(file, bytes));
  }

  private static void requireSameContent(Path file, byte[] bytes) throws IOException {
    try (SafetensorsFile in = SafetensorsFile.open(file);
        TensorArena arena = TensorArena.open("fuzz")) {
      int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      JsonNode header = parse(bytes, length);
      JsonNode texts = header.path("__metadata__");
      require(in.metadata().size() == texts.size(), "number of texts");
      in.metadata()
          .forEach((key, text) -> require(texts.get(key).textValue().equals(text), "text " + key));
      Set<String> names = new HashSet<>();
      header.fieldNames().forEachRemaining(names::add);
      names.remove("__metadata__");
      require(in.names().equals(names), "names of tensors");
      for (String name : names) {
        try {
          requireSame(in.read(arena, name), header.get(name), bytes, Long.BYTES + length);
          requireSame(in.map(arena, name), header.get(name), bytes, Long.BYTES + length);
          in.requireIntact(name);
        } catch (SafetensorsException e) {
          String dtype = header.get(name).get("dtype").textValue();
          require(
              !Set.of("F32", "F64", "I64").contains(dtype)
                  || e.getMessage().contains("at a multiple")
                  || e.getMessage().contains("is damaged"),
              "refused: " + e.getMessage());
        }
      }
      in.requireIntactHeader();
    }
  }

  private static JsonNode parse(byte[] bytes, int length) {
    try (JsonParser in = JSON.createParser(bytes, Long.BYTES, length)) {
      return JSON.readTree(in);
    } catch (IOException e) {
      throw new AssertionError("another reader of JSON refuses it", e);
    }
  }

  private static void requireSame(Tensor tensor, JsonNode entry, byte[] bytes, int start) {
    int begin = start + entry.get("data_offsets").get(0).intValue();
    int end = start + entry.get("data_offsets").get(1).intValue();
    byte[] found = new byte[end - begin];
    tensor.segment().asSlice(tensor.byteOffset(), found.length).asByteBuffer().get(found);
    require(Arrays.equals(found, Arrays.copyOfRange(bytes, begin, end)), "bytes of a tensor");
    long count = 1;
    for (JsonNode extent : entry.get("shape")) {
      count *= extent.longValue();
    }
    require(tensor.count() == count, "shape");
  }

  private static void require(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }
}
