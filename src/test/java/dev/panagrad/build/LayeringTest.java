package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Dependencies between packages point one way; the arrows are these and no others. */
@Tag("first")
class LayeringTest {
  private static final Map<String, Set<String>> ALLOWED =
      Map.ofEntries(
          Map.entry("tensor", Set.of()),
          Map.entry("encoding", Set.of()),
          // Unchecked, and so not exported.
          Map.entry("tensor/cell", Set.of("tensor")),
          Map.entry("rule", Set.of("tensor")),
          // The range checks of hyper-parameters live with the rules.
          Map.entry("schedule", Set.of("rule")),
          Map.entry("penalty", Set.of("rule", "tensor")),
          Map.entry("loss", Set.of("rule", "tensor")),
          Map.entry("backend", Set.of("loss", "rule", "tensor")),
          Map.entry("backend/scalar", Set.of("backend", "loss", "rule", "tensor", "tensor/cell")),
          Map.entry("backend/simd", Set.of("backend", "loss", "rule", "tensor", "tensor/cell")),
          Map.entry(
              "backend/openblas",
              Set.of(
                  "backend",
                  "backend/openblas/bindings",
                  // What BLAS does not offer, on the host.
                  "backend/scalar",
                  "backend/simd",
                  "loss",
                  "rule",
                  "tensor")),
          Map.entry("backend/openblas/bindings", Set.of()),
          Map.entry(
              "backend/cuda",
              Set.of(
                  "backend",
                  "backend/cuda/bindings",
                  // Factorizations, on the host.
                  "backend/scalar",
                  "backend/simd",
                  "loss",
                  "rule",
                  "tensor")),
          Map.entry("backend/cuda/bindings", Set.of()),
          // The scalar definition is the fallback of every rule, so the optimizer knows where it
          // runs.
          Map.entry(
              "optimizer",
              Set.of(
                  "backend",
                  "backend/scalar",
                  "penalty",
                  "rule",
                  "safetensors",
                  "schedule",
                  "tensor")),
          Map.entry("solver", Set.of("rule")),
          Map.entry(
              "regression",
              Set.of(
                  "backend", "encoding", "loss", "rule", "safetensors", "tensor", "tensor/cell")),
          // TableFile opens every format; a format knows Table and no other format.
          Map.entry(
              "data",
              Set.of(
                  "encoding",
                  "rule",
                  "data/arrow",
                  "data/csv",
                  "data/file",
                  "data/libsvm",
                  "data/npy",
                  "data/parquet",
                  "data/safetensors",
                  "safetensors",
                  "tensor",
                  "tensor/cell")),
          Map.entry("data/file", Set.of("data", "tensor")),
          Map.entry("data/arrow", Set.of("data", "data/file", "tensor")),
          Map.entry("data/csv", Set.of("data", "data/file", "tensor")),
          Map.entry("data/libsvm", Set.of("data", "data/file", "tensor")),
          Map.entry("data/npy", Set.of("data", "data/file", "tensor")),
          Map.entry("data/parquet", Set.of("data", "data/file", "tensor")),
          Map.entry("data/safetensors", Set.of("data", "data/file", "safetensors", "tensor")),
          Map.entry("arrow", Set.of("data", "data/file", "tensor")),
          Map.entry("safetensors", Set.of("tensor")),
          Map.entry(
              "path",
              Set.of("backend", "data", "penalty", "regression", "rule", "solver", "tensor")),
          Map.entry(
              "train/rows", Set.of("backend", "data", "loss", "optimizer", "regression", "tensor")),
          Map.entry(
              "train/objective",
              Set.of(
                  "backend",
                  "loss",
                  "optimizer",
                  "penalty",
                  "regression",
                  "rule",
                  "schedule",
                  "solver",
                  "tensor",
                  "tensor/cell",
                  "train/rows")),
          Map.entry("train/checkpoint", Set.of("optimizer", "safetensors", "tensor")),
          Map.entry(
              "train/online",
              Set.of(
                  "encoding",
                  "backend",
                  "loss",
                  "optimizer",
                  "penalty",
                  "regression",
                  "rule",
                  "safetensors",
                  "tensor",
                  "tensor/cell",
                  "train/objective",
                  "train/rows")),
          Map.entry(
              "train",
              Set.of(
                  "encoding",
                  "backend",
                  "data",
                  "loss",
                  "optimizer",
                  "penalty",
                  "regression",
                  "rule",
                  "safetensors",
                  "solver",
                  "tensor",
                  "tensor/cell",
                  "train/checkpoint",
                  "train/objective",
                  "train/online",
                  "train/rows")),
          Map.entry(
              "tune",
              Set.of(
                  "backend",
                  "data",
                  "optimizer",
                  "regression",
                  "rule",
                  "safetensors",
                  "schedule",
                  "solver",
                  "tensor",
                  "train")),
          Map.entry(
              "cli",
              Set.of(
                  "encoding",
                  "backend",
                  "data",
                  "loss",
                  "optimizer",
                  "path",
                  "penalty",
                  "regression",
                  "rule",
                  "safetensors",
                  "schedule",
                  "solver",
                  "tensor",
                  "train",
                  "tune")));

  @Test
  void arrowsPointOneWay() {
    Set<String> violations = new TreeSet<>();
    List<CompiledClass> classes = CompiledClass.main();
    assertTrue(classes.size() > 50, "the compiled classes were not found");
    for (CompiledClass compiled : classes) {
      Set<String> allowed = ALLOWED.get(compiled.folder());
      assertTrue(allowed != null, "package " + compiled.folder() + " has no entry here");
      for (String used : compiled.classes()) {
        if (used.startsWith("dev/panagrad/")) {
          String folder = CompiledClass.folderOf(used);
          if (!folder.equals(compiled.folder()) && !allowed.contains(folder)) {
            violations.add(compiled.name() + " -> " + used);
          }
        }
      }
    }
    assertEquals(Set.of(), violations);
  }

  /** The Vector API is loaded after a probe, and the probe itself must not need it. */
  @Test
  void onlyKernelsNameTheVectorApi() {
    Set<String> violations = new TreeSet<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      boolean kernel =
          compiled.folder().equals("backend/simd")
              && !compiled.name().endsWith("/SimdProvider")
              && !compiled.name().endsWith("/VmFacts");
      if (!kernel && compiled.classes().stream().anyMatch(c -> c.startsWith("jdk/incubator"))) {
        violations.add(compiled.name());
      }
    }
    assertEquals(Set.of(), violations);
  }

  /** A service that embeds the engine does not have the command line's libraries. */
  @Test
  void onlyTheCommandLineNamesItsLibraries() {
    Set<String> violations = new TreeSet<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      if (!compiled.folder().equals("cli")) {
        compiled.classes().stream()
            .filter(
                c ->
                    c.startsWith("picocli/")
                        || c.startsWith("me/tongfei/")
                        || c.startsWith("com/fasterxml/"))
            .forEach(c -> violations.add(compiled.name() + " -> " + c));
      }
    }
    assertEquals(Set.of(), violations);
  }
}
