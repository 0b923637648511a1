package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Sizes that keep the sources readable: of files, lists of parameters, knots of classes, and all.
 */
@Tag("first")
class HouseTest {
  private static final int MOST_LINES_OF_A_FILE = 450;
  private static final int MOST_LINES = 56_030;
  private static final int MOST_PARAMETERS = 8;
  private static final int MOST_CLASSES_OF_A_CYCLE = 5;

  /** Inner loops, whose operands would be objects per call. */
  private static final Pattern KERNELS =
      Pattern.compile(
          "backend/simd/(\\w*Step(F32|F64|Bf16|Block8)?|(Bf16|Block8)Update"
              + "|(OutputPanels|OutputRows|RowProducts|RowSums)F(32|64))"
              + "|backend/\\w+/bindings/.*");

  /** A driver's call, and records of results, which are read by name. */
  private static final Set<String> NAMED =
      Set.of("backend/cuda/CudaDriver", "path/PathResult", "train/TrainingResult", "tune/Tuning");

  private static List<Path> sources(String... roots) throws IOException {
    List<Path> sources = new ArrayList<>();
    for (String root : roots) {
      try (Stream<Path> files = Files.walk(Path.of(root))) {
        files.filter(file -> file.toString().matches(".*\\.(java|template)")).forEach(sources::add);
      }
    }
    return sources;
  }

  private static long lines(Path source) throws IOException {
    try (Stream<String> lines = Files.lines(source)) {
      return lines.count();
    }
  }

  @Test
  void filesAreShort() throws IOException {
    Map<String, Long> longer = new TreeMap<>();
    for (Path source : sources("src", "benchmarks/src")) {
      long lines = lines(source);
      if (lines > MOST_LINES_OF_A_FILE) {
        longer.put(source.toString(), lines);
      }
    }
    assertEquals(Map.of(), longer, "more than %d lines".formatted(MOST_LINES_OF_A_FILE));
  }

  @Test
  void mainSourcesAreFew() throws IOException {
    long all = 0;
    for (Path source : sources("src/main")) {
      all += lines(source);
    }
    assertTrue(all <= MOST_LINES, "%,d lines in src/main".formatted(all));
  }

  @Test
  void methodsHaveFewParameters() {
    Set<String> many = new TreeSet<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      String name = topLevel(compiled.name()).substring("dev/panagrad/".length());
      if (KERNELS.matcher(name).matches() || NAMED.contains(name)) {
        continue;
      }
      for (String method : compiled.methods()) {
        int start = method.indexOf('(');
        int count = MethodTypeDesc.ofDescriptor(method.substring(start)).parameterCount();
        // A lambda's begin with what it captures.
        if (count > MOST_PARAMETERS && !method.startsWith("lambda$")) {
          many.add(compiled.name() + "." + method.substring(0, start) + " " + count);
        }
      }
    }
    assertEquals(Set.of(), many, "more than %d parameters".formatted(MOST_PARAMETERS));
  }

  @Test
  void classesOfAPackageAreNoKnot() {
    Map<String, Set<String>> uses = new TreeMap<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      for (String used : compiled.classes()) {
        if (used.startsWith("dev/panagrad/")
            && CompiledClass.folderOf(used).equals(compiled.folder())
            && !compiled.folder().endsWith("/bindings")) {
          uses.computeIfAbsent(topLevel(compiled.name()), _ -> new TreeSet<>()).add(topLevel(used));
        }
      }
    }
    Map<String, Set<String>> reached = new HashMap<>();
    uses.keySet().forEach(name -> reached.put(name, reachedFrom(name, uses)));
    Set<Set<String>> knots = new HashSet<>();
    for (String name : uses.keySet()) {
      Set<String> cycle = new TreeSet<>(reached.get(name));
      cycle.removeIf(other -> !reached.getOrDefault(other, Set.of()).contains(name));
      if (cycle.size() > MOST_CLASSES_OF_A_CYCLE) {
        knots.add(cycle);
      }
    }
    String most =
        "more than %d classes that all need each other".formatted(MOST_CLASSES_OF_A_CYCLE);
    assertEquals(Set.of(), knots, most);
  }

  private static Set<String> reachedFrom(String name, Map<String, Set<String>> uses) {
    Set<String> reached = new HashSet<>();
    List<String> open = new ArrayList<>(List.of(name));
    while (!open.isEmpty()) {
      for (String used : uses.getOrDefault(open.removeLast(), Set.of())) {
        if (reached.add(used)) {
          open.add(used);
        }
      }
    }
    return reached;
  }

  private static String topLevel(String name) {
    int nested = name.indexOf('$');
    return nested < 0 ? name : name.substring(0, nested);
  }
}
