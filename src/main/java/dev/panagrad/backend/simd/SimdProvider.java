package dev.panagrad.backend.simd;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendProvider;
import dev.panagrad.backend.Lifetime;
import java.util.Optional;

/**
 * Provides the Vector API backend where the VM compiles that API to vector instructions. The checks
 * follow Apache Lucene's VectorizationProvider: each refusal says what would change it.
 */
public final class SimdProvider implements BackendProvider {
  // Not SimdBackend's: this class is used where the Vector API cannot be loaded.
  private static final String NAME = "simd";

  static final String MODULE = "jdk.incubator.vector";
  static final String FLAG = "--add-modules " + MODULE;

  /**
   * True to run without the C2 compiler, some hundred times slower, and only that check is left
   * out: for tests that compare what the two compilers make of the kernels.
   */
  static final String FORCE = "panagrad.simd.force";

  /** Makes the provider; the service loader calls it. */
  public SimdProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int rank() {
    return 100;
  }

  @Override
  public boolean isHost() {
    return true;
  }

  @Override
  public Availability probe() {
    try {
      return refusal().orElseGet(() -> new Availability.Available(detail()));
    } catch (Throwable e) {
      return new Availability.Unavailable(
          "probing the Vector API failed: " + e, "start java with " + FLAG, e);
    }
  }

  private static String detail() {
    return SimdBackend.describe()
        + (VmFacts.hasC2() ? "" : ", very slow: without the C2 compiler by -D" + FORCE);
  }

  private static Optional<Availability> refusal() {
    Module own = SimdProvider.class.getModule();
    ModuleLayer layer = Optional.ofNullable(own.getLayer()).orElse(ModuleLayer.boot());
    Optional<Module> vector = layer.findModule(MODULE);
    if (vector.isEmpty()) {
      boolean inImage = java.lang.module.ModuleFinder.ofSystem().find(MODULE).isPresent();
      return refused(
          inImage
              ? "module " + MODULE + " is not enabled"
              : "this Java runtime has no module " + MODULE,
          inImage ? "start java with " + FLAG : "use a JDK 25, or a jlink image with that module");
    }
    own.addReads(vector.get());
    if (!VmFacts.isHotSpot()) {
      String vm = System.getProperty("java.vm.name");
      return refused(
          "the VM is " + vm + ", which runs the Vector API without intrinsics",
          "use a HotSpot JDK 25");
    }
    if (VmFacts.usesJvmci()) {
      return refused(
          "the JVMCI compiler does not compile the Vector API well",
          "start java with -XX:-UseJVMCICompiler");
    }
    if (!VmFacts.hasC2() && !Boolean.getBoolean(FORCE)) {
      return refused(
          "the C2 compiler is off, and without it each vector operation is an object",
          "remove -Xint, -client, -XX:TieredStopAtLevel and -XX:CompilationMode from the java options");
    }
    if (!VmFacts.hasFma()) {
      return refused(
          "no fused multiply-add instruction: the Vector API would compute it with BigDecimal",
          "remove -XX:-UseFMA and low -XX:UseAVX from the java options, or use a processor with FMA");
    }
    Optional<String> width = SimdWidth.problem();
    if (width.isPresent()) {
      String options = "-D" + SimdWidth.PROPERTY + ", -XX:UseAVX and -XX:MaxVectorSize";
      return refused(width.get(), "remove " + options + " from the java options");
    }
    return Optional.empty();
  }

  private static Optional<Availability> refused(String reason, String remedy) {
    return Optional.of(new Availability.Unavailable(reason, remedy));
  }

  @Override
  public Backend open(BackendOptions options) {
    Availability.Available _ = probe().orThrow(NAME);
    return new SimdBackend(new Lifetime(NAME), options);
  }
}
