package dev.panagrad.backend.simd;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.Optional;

/** What decides whether the Vector API is compiled to vector instructions by this VM. */
final class VmFacts {
  private VmFacts() {}

  static boolean isHotSpot() {
    return System.getProperty("java.vm.name", "").matches(".*(HotSpot|OpenJDK).*")
        && option("UseFMA").isPresent();
  }

  /** Whether the optimizing compiler runs: without it every vector operation is an object. */
  static boolean hasC2() {
    String info = System.getProperty("java.vm.info", "");
    return !info.contains("interpreted mode")
        && !info.contains("emulated-client")
        && option("TieredStopAtLevel").map(level -> level.equals("4")).orElse(true);
  }

  static boolean usesJvmci() {
    return option("UseJVMCICompiler").map(Boolean::parseBoolean).orElse(false);
  }

  /** Whether fused multiply-add is an instruction here; if not, it is computed with BigDecimal. */
  static boolean hasFma() {
    return option("UseFMA").map(Boolean::parseBoolean).orElse(false);
  }

  private static Optional<String> option(String name) {
    try {
      HotSpotDiagnosticMXBean bean =
          ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
      return Optional.ofNullable(bean).map(b -> b.getVMOption(name).getValue());
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // this VM has no such option
    }
  }
}
