package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Calls that fall off a cliff, with the reason of each and the classes that may make them. */
@Tag("first")
class ForbiddenApisTest {
  private record Rule(String member, String reason, Set<String> except) {
    boolean matches(String used) {
      return member.endsWith("*")
          ? used.startsWith(member.substring(0, member.length() - 1))
          : used.equals(member);
    }
  }

  /** jextract's output, which our skin calls with memory of known extent only. */
  private static final Set<String> GENERATED =
      Set.of("backend/openblas/bindings", "backend/cuda/bindings");

  private static final String VECTOR = "jdk/incubator/vector/";

  private static final List<Rule> RULES =
      List.of(
          rule("java/lang/foreign/Arena#ofAuto", "memory whose end nobody owns"),
          rule("java/lang/foreign/MemorySegment#ofArray", "heap segments pollute kernel profiles"),
          rule(
              "java/lang/foreign/MemorySegment#reinterpret",
              "no bounds, no lifetime; what a driver or another program returns has neither",
              "dev/panagrad/arrow/CStruct",
              "dev/panagrad/backend/cuda/CudaDriver",
              "dev/panagrad/backend/cuda/CudaStatus"),
          rule(
              "java/lang/foreign/MemorySegment#ofAddress",
              "no bounds, no lifetime; a device address as an argument needs neither",
              "dev/panagrad/arrow/CStruct",
              "dev/panagrad/backend/cuda/Cublas"),
          rule("java/lang/foreign/Linker$Option#critical", "blocks safepoints while it runs"),
          rule("java/lang/Math#fma", "BigDecimal where the machine has no fma"),
          rule("java/lang/StrictMath#*", "never an intrinsic"),
          rule("sun/misc/Unsafe#*", "no bounds"),
          rule("java/io/ObjectInputStream#*", "runs code that data names"),
          rule(
              "java/net/*",
              "the engine opens no connection; a jar on the class path is read as a URL",
              "dev/panagrad/backend/openblas/LibraryCache",
              "dev/panagrad/backend/openblas/OpenBlasLibrary"),
          rule(
              "java/lang/System#load",
              "native code is loaded in one place for each library",
              "dev/panagrad/backend/cuda/CudaLibraries",
              "dev/panagrad/backend/openblas/OpenBlasLibrary"),
          rule("java/lang/System#loadLibrary", "no native code is loaded"),
          rule(
              VECTOR + "VectorSpecies#of",
              "vectors of one element type have one width",
              "dev/panagrad/backend/simd/LanesF32",
              "dev/panagrad/backend/simd/LanesF64",
              "dev/panagrad/backend/simd/LanesI32",
              "dev/panagrad/backend/simd/LanesI64"),
          rule(
              VECTOR + "FloatVector#SPECIES_*",
              "vectors of one element type have one width",
              "dev/panagrad/backend/simd/SimdWidth"),
          rule(VECTOR + "DoubleVector#SPECIES_*", "vectors of one element type have one width"),
          rule(VECTOR + "FloatVector#compress", "not an instruction everywhere"),
          rule(VECTOR + "DoubleVector#compress", "not an instruction everywhere"),
          rule(VECTOR + "FloatVector#expand", "not an instruction everywhere"),
          rule(VECTOR + "DoubleVector#expand", "not an instruction everywhere"),
          rule(VECTOR + "FloatVector#reinterpretShape", "boxes unless inlined"),
          rule(VECTOR + "DoubleVector#reinterpretShape", "boxes unless inlined"));

  private static Rule rule(String member, String reason, String... except) {
    return new Rule(member, reason, Set.of(except));
  }

  @Test
  void noneIsUsed() {
    Set<String> violations = new TreeSet<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      for (String used : compiled.members()) {
        for (Rule rule : RULES) {
          if (rule.matches(used)
              && !rule.except.contains(compiled.name())
              && !GENERATED.contains(compiled.folder())) {
            violations.add(compiled.name() + " uses " + used + ": " + rule.reason);
          }
        }
      }
    }
    assertEquals(Set.of(), violations);
  }

  /** Printing belongs to the command line; the engine logs through System.Logger. */
  @Test
  void onlyTheCommandLinePrints() {
    Set<String> violations = new TreeSet<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      if (!compiled.folder().equals("cli") && !GENERATED.contains(compiled.folder())) {
        compiled.members().stream()
            .filter(m -> m.equals("java/lang/System#out") || m.equals("java/lang/System#err"))
            .forEach(m -> violations.add(compiled.name() + " uses " + m));
      }
    }
    assertEquals(Set.of(), violations);
  }

  /**
   * A vector that crosses a call of ours is an object wherever the compiler declines to inline that
   * call; see the package description of {@code backend.simd}.
   */
  @Test
  void noMethodTakesOrReturnsVector() {
    Set<String> violations = new TreeSet<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      compiled.methods().stream()
          .filter(method -> method.matches(".*" + VECTOR + "(Float|Double|Int|Short|Byte)Vector.*"))
          .forEach(method -> violations.add(compiled.name() + "." + method));
    }
    assertEquals(Set.of(), violations);
  }

  /**
   * Until it is compiled it goes through a heap segment, and pollutes the profiles of all kernels;
   * see {@code Bf16Update}.
   */
  @Test
  void noVectorIsReinterpreted() {
    Set<String> violations = new TreeSet<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      compiled.members().stream()
          .filter(member -> member.matches(VECTOR + "\\w*Vector#reinterpretAs\\w+"))
          .forEach(member -> violations.add(compiled.name() + " uses " + member));
    }
    assertEquals(Set.of(), violations);
  }

  /** The list works: a rule that no class may break is found when one does. */
  @Test
  void allowedUsesAreSeen() {
    Set<String> users = new TreeSet<>();
    for (CompiledClass compiled : CompiledClass.main()) {
      if (compiled.members().contains(VECTOR + "FloatVector#sqrt")) {
        users.add(compiled.name().substring(compiled.name().lastIndexOf('/') + 1));
      }
    }
    assertEquals(
        Set.of(
            "AdamStepBf16",
            "AdamStepBlock8",
            "AdamStepF32",
            "AmsGradStepBf16",
            "AmsGradStepF32",
            "CenteredMomentumRmsPropStepF32",
            "CenteredRmsPropStepF32",
            "MomentumRmsPropStepBf16",
            "MomentumRmsPropStepBlock8",
            "MomentumRmsPropStepF32",
            "RmsPropStepBf16",
            "RmsPropStepBlock8",
            "RmsPropStepF32"),
        users);
  }
}
