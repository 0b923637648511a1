import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Writes kernels that are variants of another. The build runs it as a program, {@code java
 * Variants.java SOURCES TEMPLATES TARGET}, with google-java-format on the class path.
 *
 * <ul>
 *   <li>Loops that are spelled out, since no method takes or returns a vector, come from templates
 *       named as their class: lines between {@code //for r in 0..4} and {@code //end r} stand four
 *       times, with {@code #r} replaced, and what is added or multiplied in vain is left out.
 *   <li>The steps of rules with options, {@code XStepF32}, come from one template a rule. It begins
 *       with the siblings and the options that each has, and with the slots of state and the option
 *       that each needs.
 *   <li>{@code XF64} is {@code XF32} with type names exchanged. It carries no comments, since a
 *       figure that holds for one type is false for another.
 *   <li>{@code XStepBf16} and {@code XStepBlock8} put the loop of {@code XStepF32} into a template
 *       that decodes and encodes compact state around it. It begins with the rules that have that
 *       format, and the place where their loop finds a vector of slot {@code #}.
 * </ul>
 *
 * Lines of a template after {@code //: CONDITIONS}, up to the next such line or {@code //.}, are
 * for siblings with those options and without those after {@code !}; in templates of formats they
 * are repeated for each slot that the loop loads or stores, or that is never negative.
 */
final class Variants {
  /** Written by hand for both types: holds what differs. */
  private static final String LANES = "LanesF32";

  /** Names of slots that are never negative. */
  private static final List<String> UNSIGNED = List.of("vs", "xs");

  /** Of every step's method; those that a rule does not have are named s1 and s2. */
  private static final int SLOTS = 3;

  private static final Pattern COMMENTS =
      Pattern.compile("(?ms)^[ \t]*//[^\n]*\n|^[ \t]*/\\*.*?\\*/[ \t]*\n|[ \t]*//[^\n]*");

  private static final Pattern CLASS = Pattern.compile("(?m)^((?:abstract |final )*class )");

  private static final Pattern OPERANDS = Pattern.compile("MemorySegment (\\w+),\\s+long (\\w+),");

  private static final Pattern SIBLINGS = Pattern.compile("siblings: (.*)\nslots: (.*)\n");

  private static final Pattern RULES = Pattern.compile("rules: (.*)\nslots: (.*), (.*)\n");

  private static final Pattern TURNS =
      Pattern.compile("(?s) *//for ([\\w,]+) in ([^\n]*)\n(.*?) *//end \\1\n");

  /** What the loop of every step begins with. */
  private static final String LOOP = "int end = n * LanesF32.BYTES;";

  /** Names that templates may use; those that one does not use are removed. */
  private static final String IMPORTS =
      """
      import static dev.panagrad.backend.simd.LanesF32.FIRST_FOUR;
      import static dev.panagrad.backend.simd.LanesF32.LANE_0;
      import static dev.panagrad.backend.simd.LanesF32.LANE_1;
      import static dev.panagrad.backend.simd.LanesF32.ODD;
      import static dev.panagrad.backend.simd.LanesF32.ORDER;
      import static dev.panagrad.backend.simd.LanesF32.OUTSIDE;
      import static dev.panagrad.backend.simd.LanesF32.SECOND;
      import static dev.panagrad.backend.simd.LanesF32.SPECIES;
      import static dev.panagrad.backend.simd.LanesF32.SWAP_1;
      import static dev.panagrad.backend.simd.LanesF32.SWAP_2;
      import static dev.panagrad.backend.simd.LanesF32.SWAP_4;
      import static dev.panagrad.backend.simd.LanesF32.SWAP_8;
      import static dev.panagrad.backend.simd.LanesF32.TINY;
      import static dev.panagrad.backend.simd.LanesF32.narrow;
      import static jdk.incubator.vector.FloatVector.broadcast;
      import static jdk.incubator.vector.FloatVector.fromMemorySegment;
      import static jdk.incubator.vector.VectorOperators.LT;
      import dev.panagrad.backend.WorkerPool;
      import dev.panagrad.rule.StepCoefficients;
      import java.lang.foreign.MemorySegment;
      import jdk.incubator.vector.FloatVector;
      import jdk.incubator.vector.VectorMask;\
      """;

  private final Map<String, String> variants = new TreeMap<>();

  /** Reads kernels and templates in the first two folders, writes variants below the third. */
  public static void main(String[] args) throws IOException, FormatterException {
    Variants all = new Variants();
    Map<String, String> templates = read(Path.of(args[1]), ".template");
    templates.forEach(all::addKernels);
    Map<String, String> kernels = read(Path.of(args[0]), "F32.java");
    kernels.putAll(all.variants);
    kernels.remove(LANES);
    kernels.replaceAll((_, code) -> COMMENTS.matcher(code).replaceAll(""));
    kernels.forEach((name, code) -> all.variants.put(name.replace("F32", "F64"), f64(name, code)));
    templates.forEach((suffix, template) -> all.addFormat(suffix, template, kernels));
    all.write(Path.of(args[2], "dev", "panagrad", "backend", "simd"));
  }

  private void addKernels(String kernel, String template) {
    if (kernel.endsWith("F32")) {
      variants.put(kernel, unrolled(template).replace("$IMPORTS", IMPORTS));
    }
    Matcher header = SIBLINGS.matcher(template);
    if (!header.lookingAt()) {
      return;
    }
    for (String sibling : header.group(1).split("; ")) {
      List<String> options = List.of(sibling.split(" "));
      List<String> slots = new ArrayList<>();
      for (String slot : header.group(2).split("; ")) {
        String[] words = slot.split(" ");
        if (words.length == 1 || options.contains(words[1])) {
          slots.add(operands(words[0]));
        }
      }
      while (slots.size() < SLOTS) {
        slots.add(operands("s" + slots.size()));
      }
      String name = options.getFirst() + "StepF32";
      String text =
          sections(
                  template.substring(header.end()),
                  (conditions, lines) -> holds(conditions, options) ? lines : "")
              .replace("$IMPORTS", IMPORTS)
              .replace("$CLASS", name)
              .replace(
                  "$UPDATE", operands("ps") + operands("gs") + "$SLOTS int n, double scale, $C")
              .replace("$THRESHOLDS", "MemorySegment ts, $SLOTS int n, $C")
              .replace("$SLOTS", String.join("", slots))
              .replace("$C", "StepCoefficients c");
      variants.put(name, text);
    }
  }

  private static String operands(String segment) {
    return "MemorySegment %s, long %sAt, ".formatted(segment, segment.replaceFirst("s$", ""));
  }

  private static String f64(String name, String code) {
    Matcher type = CLASS.matcher(code);
    require(type.find(), name, "no line begins with class");
    return type.replaceFirst("/** {@link " + name.replace("F32", "F@") + "} over doubles. */\n$1")
        .replace("Float", "Double")
        .replace("float", "double")
        .replace("FLOAT", "DOUBLE")
        .replace("F32", "F64")
        .replace("F@", "F32");
  }

  private void addFormat(String suffix, String template, Map<String, String> kernels) {
    Matcher header = RULES.matcher(template);
    if (!header.lookingAt()) {
      return;
    }
    for (String rule : header.group(1).split(", ")) {
      String source = rule + "StepF32";
      require(kernels.containsKey(source), suffix, "there is no " + source);
      Step step = Step.of(source, kernels.get(source));
      String text =
          sections(template.substring(header.end()), step::perSlot)
              .replace("$IMPORTS", step.imports)
              .replace("$SOURCE", source)
              .replace("$CLASS", rule + suffix)
              .replace("$OPERANDS", step.operands)
              .replace("$BEFORE", step.before.strip())
              .replace("$LOOP", step.loopOver(header.group(2), header.group(3)));
      variants.put(rule + suffix, text);
    }
  }

  private static String unrolled(String template) {
    String text = template;
    for (Matcher loop = TURNS.matcher(text); loop.find(); loop = TURNS.matcher(text)) {
      String[] names = loop.group(1).split(",");
      StringBuilder turns = new StringBuilder();
      for (String turn : turns(loop.group(2))) {
        String[] values = turn.split(",", -1);
        String lines = loop.group(3);
        for (int i = 0; i < names.length; i++) {
          lines = lines.replace("#" + names[i], values[i]);
        }
        turns.append(lines);
      }
      text = text.substring(0, loop.start()) + turns + text.substring(loop.end());
    }
    return text.replaceAll(" \\+ 0L? \\* [\\w.]+|\\b0L? \\* [\\w.]+ \\+ |\\b1L? \\* ", "")
        .replaceAll("\\b0 \\* [\\w.]+", "0")
        .replaceAll(" \\+ 0(?=[\\]),])", "")
        .replaceAll("(?<!\\w)\\((\\w+)\\)(?= \\*)", "$1");
  }

  private static List<String> turns(String values) {
    int dots = values.indexOf("..");
    return dots < 0
        ? List.of(values.split(" "))
        : IntStream.range(
                Integer.parseInt(values.substring(0, dots)),
                Integer.parseInt(values.substring(dots + 2)))
            .mapToObj(Integer::toString)
            .toList();
  }

  private static String sections(String template, BinaryOperator<String> fill) {
    StringBuilder text = new StringBuilder();
    StringBuilder section = new StringBuilder();
    String conditions = "";
    for (String line : template.lines().toList()) {
      String mark = line.strip();
      if (mark.startsWith("//: ") || mark.equals("//.")) {
        text.append(conditions.isEmpty() ? section : fill.apply(conditions, section.toString()));
        section.setLength(0);
        conditions = mark.substring(3).strip();
      } else {
        section.append(line).append('\n');
      }
    }
    return text.append(section).toString();
  }

  private static boolean holds(String conditions, Iterable<String> options) {
    Set<String> has = new HashSet<>();
    options.forEach(has::add);
    return Stream.of(conditions.split(" "))
        .allMatch(c -> c.startsWith("!") ? !has.contains(c.substring(1)) : has.contains(c));
  }

  /** A slot of a rule's state, as its F32 step accesses it. */
  private record Slot(int index, String segment, String offset) {
    String load() {
      return load(segment, offset + " + o");
    }

    String store() {
      return store(segment, offset + " + o");
    }

    static String load(String segment, String at) {
      return "fromMemorySegment(SPECIES, " + segment + ", " + at + ", ORDER)";
    }

    static String store(String segment, String at) {
      return ".intoMemorySegment(" + segment + ", " + at + ", ORDER)";
    }

    String fill(String lines) {
      return lines
          .replace("$SEGMENT", segment)
          .replace("$OFFSET", offset)
          .replace("#", Integer.toString(index));
    }
  }

  /** An F32 step, taken apart. */
  private record Step(
      String name, String imports, String operands, List<Slot> slots, String before, String loop) {
    static Step of(String name, String code) {
      int update = code.indexOf("void update(") + "void update(".length();
      String operands = code.substring(update, code.indexOf(')', update));
      String body = braced(code, update);
      int loop = body.indexOf(LOOP);
      require(loop >= 0, name, "its method update does not contain: " + LOOP);
      List<Slot> slots = new ArrayList<>();
      Matcher operand = OPERANDS.matcher(operands);
      for (int index = -2; operand.find(); index++) {
        // Parameters and gradient come first.
        if (index >= 0) {
          slots.add(new Slot(index, operand.group(1), operand.group(2)));
        }
      }
      // On one line an access looks the same wherever it was broken.
      String own = braced(body, loop).replaceAll("\\s+", " ").replace("( ", "(");
      List<String> imports = code.lines().filter(line -> line.startsWith("import ")).toList();
      return new Step(
          name, String.join("\n", imports), operands, slots, body.substring(0, loop), own);
    }

    String perSlot(String conditions, String lines) {
      StringBuilder text = new StringBuilder();
      for (Slot slot : slots) {
        List<String> facts = new ArrayList<>();
        facts.add(loop.contains(slot.load()) ? "loaded" : "");
        facts.add(loop.contains(slot.store()) ? "stored" : "");
        facts.add(UNSIGNED.contains(slot.segment) ? "unsigned" : "");
        text.append(holds(conditions, facts) ? slot.fill(lines) : "");
      }
      return text.toString();
    }

    String loopOver(String segment, String at) {
      String moved = loop;
      for (Slot slot : slots) {
        String to = slot.fill(segment);
        moved =
            moved
                .replace(slot.load(), Slot.load(to, slot.fill(at)))
                .replace(slot.store(), Slot.store(to, slot.fill(at)));
        require(
            !moved.contains(slot.offset),
            name,
            "slot " + slot.segment + " is accessed otherwise than by whole vectors at o");
      }
      return moved;
    }
  }

  /** The text between the next brace and the one that closes it. */
  private static String braced(String text, int from) {
    int first = text.indexOf('{', from) + 1;
    int end = first;
    for (int depth = 1; depth > 0; end++) {
      depth += text.charAt(end) == '{' ? 1 : text.charAt(end) == '}' ? -1 : 0;
    }
    return text.substring(first, end - 1);
  }

  private static void require(boolean holds, String source, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException("no variant of " + source + ": " + otherwise);
    }
  }

  /** The files whose names end so, by their names without type. */
  private static Map<String, String> read(Path folder, String ending) throws IOException {
    Map<String, String> texts = new TreeMap<>();
    for (Path file : list(folder)) {
      String name = file.getFileName().toString();
      if (name.endsWith(ending)) {
        texts.put(name.substring(0, name.indexOf('.')), Files.readString(file));
      }
    }
    return texts;
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  /** Touches no file that is as it should be, so that compilers see what changed. */
  private void write(Path folder) throws IOException, FormatterException {
    Files.createDirectories(folder);
    for (Path file : list(folder)) {
      if (!variants.containsKey(file.getFileName().toString().replace(".java", ""))) {
        Files.delete(file);
      }
    }
    for (Map.Entry<String, String> variant : variants.entrySet()) {
      String used = RemoveUnusedImports.removeUnusedImports(variant.getValue());
      String ordered = ImportOrderer.reorderImports(used, JavaFormatterOptions.Style.GOOGLE);
      String text = new Formatter().formatSource(ordered);
      Path file = folder.resolve(variant.getKey() + ".java");
      if (!Files.exists(file) || !Files.readString(file).equals(text)) {
        Files.writeString(file, text);
      }
    }
  }
}
