import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Writes the kernels that are variants of another: {@code XF64} is {@code XF32} with type names
 * exchanged; {@code XStepBf16} and {@code XStepBlock8} put the loop of {@code XStepF32} into a
 * template that decodes and encodes compact state around it. Variants carry no comments, since a
 * figure that holds for one type is false for another.
 *
 * <p>The build runs it as a program, {@code java Variants.java SOURCES TEMPLATES TARGET}, with
 * google-java-format on the class path.
 *
 * <p>A template begins with the rules that have that format, and the place where their loop finds a
 * vector of slot {@code #}. Its lines between {@code //: KIND} and {@code //.} are repeated for
 * each slot that the rule's loop loads, stores, or loads with a sign or without.
 */
final class Variants {
  /** Written by hand for both types: holds what differs. */
  private static final String LANES = "LanesF32";

  private static final String TEMPLATE = ".template";

  /** Names of slots that are never negative. */
  private static final List<String> UNSIGNED = List.of("vs", "xs");

  private static final Pattern COMMENTS =
      Pattern.compile("(?ms)^[ \t]*//[^\n]*\n|^[ \t]*/\\*.*?\\*/[ \t]*\n|[ \t]*//[^\n]*");

  private static final Pattern CLASS = Pattern.compile("(?m)^((?:abstract |final )*class )");

  private static final Pattern OPERANDS = Pattern.compile("MemorySegment (\\w+),\\s+long (\\w+),");

  private static final Pattern HEADER = Pattern.compile("rules: (.*)\nslots: (.*), (.*)\n");

  private static final Pattern SECTION = Pattern.compile("(?s)//: (\\w+)\n(.*?)//\\.\n");

  /** What the loop of every step begins with. */
  private static final String LOOP = "int end = n * LanesF32.BYTES;";

  private Variants() {}

  /** Reads kernels and templates in the first two folders, writes variants below the third. */
  public static void main(String[] args) throws IOException, FormatterException {
    Map<String, String> kernels = read(Path.of(args[0]), "F32.java");
    Map<String, String> variants = new TreeMap<>();
    kernels.remove(LANES);
    kernels.forEach((name, code) -> variants.put(name.replace("F32", "F64"), f64(name, code)));
    Map<String, String> templates = read(Path.of(args[1]), TEMPLATE);
    templates.forEach((name, template) -> addSteps(name, template, kernels, variants));
    write(variants, Path.of(args[2], "dev", "panagrad", "backend", "simd"));
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

  private static void addSteps(
      String suffix, String template, Map<String, String> kernels, Map<String, String> variants) {
    Matcher header = HEADER.matcher(template);
    require(header.lookingAt(), suffix, "its template does not begin with rules and slots");
    for (String rule : header.group(1).split(", ")) {
      String source = rule + "StepF32";
      require(kernels.containsKey(source), suffix, "there is no " + source);
      Step step = Step.of(source, kernels.get(source));
      String text =
          SECTION
              .matcher(template.substring(header.end()))
              .replaceAll(section -> Matcher.quoteReplacement(step.perSlot(section)))
              .replace("$IMPORTS", step.imports)
              .replace("$SOURCE", source)
              .replace("$CLASS", rule + suffix)
              .replace("$OPERANDS", step.operands)
              .replace("$BEFORE", step.before.strip())
              .replace("$LOOP", step.loopOver(header.group(2), header.group(3)));
      variants.put(rule + suffix, text);
    }
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
      // On one line an access looks the same wherever the formatter broke it.
      String own = braced(body, loop).replaceAll("\\s+", " ").replace("( ", "(");
      List<String> imports = code.lines().filter(line -> line.startsWith("import ")).toList();
      return new Step(
          name, String.join("\n", imports), operands, slots, body.substring(0, loop), own);
    }

    String perSlot(MatchResult section) {
      StringBuilder lines = new StringBuilder();
      for (Slot slot : slots) {
        boolean isUnsigned = UNSIGNED.contains(slot.segment);
        boolean isLoaded = loop.contains(slot.load());
        boolean holds =
            switch (section.group(1)) {
              case "loaded" -> isLoaded;
              case "signed" -> isLoaded && !isUnsigned;
              case "unsigned" -> isLoaded && isUnsigned;
              case "stored" -> loop.contains(slot.store());
              default -> throw new IllegalArgumentException("unknown " + section.group());
            };
        lines.append(holds ? slot.fill(section.group(2)) : "");
      }
      return lines.toString();
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

  /** The files whose names end so, by their names without type, without comments. */
  private static Map<String, String> read(Path folder, String ending) throws IOException {
    Map<String, String> texts = new TreeMap<>();
    for (Path file : list(folder)) {
      String name = file.getFileName().toString();
      if (name.endsWith(ending)) {
        String text = Files.readString(file);
        texts.put(
            name.substring(0, name.indexOf('.')),
            ending.equals(TEMPLATE) ? text : COMMENTS.matcher(text).replaceAll(""));
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
  private static void write(Map<String, String> variants, Path folder)
      throws IOException, FormatterException {
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
