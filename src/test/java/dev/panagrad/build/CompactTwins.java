package dev.panagrad.build;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes the steps with state in compact formats from the F32 steps: lines before a rule's own
 * widen a vector of each slot into memory, where the rule's own then reads and writes it, and lines
 * after it take it from there.
 */
final class CompactTwins {
  /** The rules with state that may be rounded. */
  static final List<String> RULES =
      List.of("Adam", "AmsGrad", "MomentumRmsProp", "Momentum", "Nesterov", "RmsProp");

  /** Operands of the F32 steps that are never negative. */
  private static final List<String> MAGNITUDES = List.of("vs", "xs");

  private static final Pattern OPERANDS =
      Pattern.compile("MemorySegment (?!ps|gs)(\\w+),\\s+long (\\w+),\\s+");

  private static final String LOOP =
      """
          int end = n * LanesF32.BYTES;
          for (int o = 0; o < end; o += STRIDE) {
      """;

  private static final String BF16_DECODED =
      """
            ((IntVector)
                    ShortVector.fromMemorySegment(HALVES, SEGMENT, AT + (o >> 1), ORDER)
                        .convertShape(ZERO_EXTEND_S2I, LanesI32.SPECIES, 0))
                .lanewise(LSHL, 16)
                .intoMemorySegment(pun, SLOT_#, ORDER);
      """;

  private static final String BF16_RANDOM =
      """
          IntVector random# = IntVector.broadcast(LanesI32.SPECIES, random[#]).add(STEPS);
      """;

  private static final String BF16_ENCODED =
      """
            IntVector bits# = IntVector.fromMemorySegment(LanesI32.SPECIES, pun, SLOT_#, ORDER);
            ((ShortVector)
                    bits#
                        .add(random#.lanewise(LSHR, 16))
                        .blend(bits#.or(QUIET), bits#.and(MAGNITUDE).compare(GT, INFINITY))
                        .lanewise(LSHR, 16)
                        .convertShape(I2S, HALVES, 0))
                .intoMemorySegment(SEGMENT, AT + (o >> 1), ORDER);
            random# = random#.add(VECTOR_STEP);
      """;

  private static final String BLOCK8_OPERANDS =
      """
          MemorySegment SEGMENT = block.slots[#];
          MemorySegment codes# = block.codeSegments[#];
          long codes#At = block.codesAt[#];
          int offset# = block.offsets[#];
          IntVector largest# = IntVector.zero(LanesI32.SPECIES);
      """;

  private static final String BLOCK8_CODE =
      """
            IntVector code# =
                (IntVector)
                    ByteVector.fromMemorySegment(QUARTERS, codes#, codes#At + (o >> 2), ORDER)
                        .convertShape(ZERO_EXTEND_B2I, LanesI32.SPECIES, 0);
      """;

  private static final String BLOCK8_MAGNITUDE =
      """
            code#
                .lanewise(LSHL, SHIFT)
                .add(offset#, code#.compare(NE, 0))
                .intoMemorySegment(SEGMENT, o, ORDER);
      """;

  private static final String BLOCK8_SIGNED =
      """
            IntVector magnitude# = code#.and(CODE);
            magnitude#
                .lanewise(LSHL, SIGNED_SHIFT)
                .add(offset#, magnitude#.compare(NE, 0))
                .or(code#.and(SIGN).lanewise(LSHL, 24))
                .intoMemorySegment(SEGMENT, o, ORDER);
      """;

  private static final String BLOCK8_LARGEST =
      """
            largest# =
                largest#.max(
                    IntVector.fromMemorySegment(LanesI32.SPECIES, SEGMENT, o, ORDER).and(MAGNITUDE));
      """;

  private CompactTwins() {}

  /** The step with BF16 state. */
  static String bf16(String rule, String source) {
    List<String> parts = methods(header(rule, source, "Bf16", "with BF16 state"));
    return withImports(
        parts.getFirst() + bf16Update(update(parts)) + "\n",
        "static dev.panagrad.backend.simd.LanesI32.",
        List.of("HALVES", "INFINITY", "MAGNITUDE", "STEPS", "VECTOR_STEP"),
        List.of("GT", "I2S", "LSHL", "LSHR", "ZERO_EXTEND_S2I"));
  }

  private static String bf16Update(String method) {
    StringBuilder before = new StringBuilder();
    StringBuilder decoded = new StringBuilder();
    StringBuilder encoded = new StringBuilder();
    String own = method;
    int slot = 0;
    for (Map.Entry<String, String> operand : operands(method).entrySet()) {
      String name = operand.getKey();
      String at = operand.getValue();
      String load = load(name, at + " + o");
      String store = store(name, at + " + o");
      if (own.contains(load)) {
        decoded.append(filled(BF16_DECODED, name, at, slot));
        own = own.replace(load, load("pun", "SLOT_" + slot));
      }
      if (own.contains(store)) {
        before.append(filled(BF16_RANDOM, name, at, slot));
        encoded.append(filled(BF16_ENCODED, name, at, slot));
        own = own.replace(store, store("pun", "SLOT_" + slot));
      }
      slot++;
    }
    String loop = LOOP.replace("STRIDE", "FusedStepF32.STRIDE");
    String added = "StepCoefficients c,\n      MemorySegment pun,\n      int[] random) {";
    return own.replace("StepCoefficients c) {", added)
        .replace(LOOP, before + loop + decoded)
        .replace("\n    }\n  }\n", "\n" + encoded + "    }\n  }\n");
  }

  /** The step with 8-bit state. */
  static String block8(String rule, String source) {
    String kind = "with state in blocks of 8-bit codes";
    List<String> parts =
        methods(
            header(rule, source, "Block8", kind).replaceFirst("\n(final )?class", "\nfinal class"));
    String update = update(parts);
    StringBuilder before = new StringBuilder();
    StringBuilder decoded = new StringBuilder();
    StringBuilder sought = new StringBuilder();
    StringBuilder after = new StringBuilder();
    String own = update;
    int slot = 0;
    for (Map.Entry<String, String> operand : operands(update).entrySet()) {
      String name = operand.getKey();
      String at = operand.getValue();
      String load = load(name, at + " + o");
      if (own.contains(load)) {
        boolean isMagnitude = MAGNITUDES.contains(name);
        before.append(filled(BLOCK8_OPERANDS, name, at, slot));
        decoded.append(filled(BLOCK8_CODE, name, at, slot));
        decoded.append(filled(isMagnitude ? BLOCK8_MAGNITUDE : BLOCK8_SIGNED, name, at, slot));
        sought.append(filled(BLOCK8_LARGEST, name, at, slot));
        after.append("    block.largest[%d] = largest%d.reduceLanes(MAX);\n".formatted(slot, slot));
        own =
            own.replace(load, load(name, "o")).replace(store(name, at + " + o"), store(name, "o"));
      }
      slot++;
    }
    String loop =
        "    for (int o = 0; o < StateFormat.BLOCK * Float.BYTES; o += FusedStepF32.STRIDE) {\n";
    own =
        OPERANDS
            .matcher(own)
            .replaceAll("")
            .replaceFirst("int n,\\s+", "")
            .replace(
                "StepCoefficients c) {\n",
                "StepCoefficients c,\n      StateBlock block) {\n" + before)
            .replace(LOOP, loop + decoded)
            .replace("\n    }\n  }\n", "\n" + sought + "    }\n" + after + "  }\n");
    String twin =
        withImports(
            parts.getFirst() + own + "\n",
            "static dev.panagrad.backend.simd.LanesI32.",
            List.of("MAGNITUDE", "QUARTERS"),
            List.of("LSHL", "MAX", "NE", "ZERO_EXTEND_B2I"));
    for (String name : List.of("CODE", "SHIFT", "SIGN", "SIGNED_SHIFT")) {
      twin = withImport(twin, "static dev.panagrad.backend.simd.Block8Codec." + name);
    }
    return withImport(twin, "dev.panagrad.rule.StateFormat");
  }

  /** Names, extended class and documentation of the twin; no constructor. */
  private static String header(String rule, String source, String format, String kind) {
    String doc = "/** {@link %sStep_F32} %s, generated from it. */\n$1".formatted(rule, kind);
    return source
        .replaceFirst("(?s)/\\*\\*(?:(?!\\*/).)*\\*/\n((?:final )?class)", doc)
        .replaceFirst(
            "  \\w+StepF32\\(WorkerPool pool, StepBuffers buffers\\) \\{\n    super\\(pool, buffers\\);\n  \\}\n\n",
            "")
        .replaceFirst(
            format.equals("Block8") ? "extends \\w+" : "extends FusedStepF32",
            "extends " + format + "Update")
        .replace("StepF32", "Step" + format)
        .replace("Fused" + "Step" + format, "FusedStepF32")
        .replace("Step_F32", "StepF32");
  }

  private static List<String> methods(String source) {
    return List.of(source.split("(?=  @Override\n)"));
  }

  /** The step itself, with the end of its class. */
  private static String update(List<String> methods) {
    String update =
        methods.stream().filter(m -> m.contains("void update(")).findFirst().orElseThrow();
    String own = update.stripTrailing();
    return own.endsWith("\n}") ? own : own + "\n}";
  }

  /** Segments and offsets of the slots, in their order. */
  private static Map<String, String> operands(String method) {
    Map<String, String> operands = new LinkedHashMap<>();
    Matcher matcher = OPERANDS.matcher(method);
    while (matcher.find()) {
      operands.put(matcher.group(1), matcher.group(2));
    }
    operands.remove("ts");
    return operands;
  }

  private static String load(String segment, String at) {
    return "fromMemorySegment(SPECIES, " + segment + ", " + at + ", ORDER)";
  }

  private static String store(String segment, String at) {
    return ".intoMemorySegment(" + segment + ", " + at + ", ORDER)";
  }

  private static String filled(String lines, String segment, String at, int slot) {
    return lines
        .replace("SEGMENT", segment)
        .replace("AT + (o >> 1)", at + " + (o >> 1)")
        .replace("#", Integer.toString(slot));
  }

  private static String withImports(
      String twin, String lanes, List<String> ofLanes, List<String> operators) {
    String all = twin;
    for (String name : ofLanes) {
      all = withImport(all, lanes + name);
    }
    for (String name : operators) {
      all = withImport(all, "static jdk.incubator.vector.VectorOperators." + name);
    }
    for (String name : List.of("ByteVector", "IntVector", "ShortVector")) {
      all = withImport(all, "jdk.incubator.vector." + name);
    }
    return all;
  }

  /** The formatter orders imports and removes those that are not used. */
  private static String withImport(String twin, String name) {
    String line = "import " + name + ";\n";
    return twin.contains(line) ? twin : twin.replaceFirst("\nimport ", "\n" + line + "import ");
  }
}
