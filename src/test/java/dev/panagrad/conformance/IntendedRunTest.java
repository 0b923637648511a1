package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.HotSpotDiagnosticMXBean;
import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import jdk.incubator.vector.VectorShape;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Each run of this suite that the build asks for, by the property {@code panagrad.test.run}, is
 * what its name says: with a flag that did not arrive it would be green and prove nothing.
 */
@Tag("simd")
@Tag("conformance")
@Tag("first")
@Tag("always")
class IntendedRunTest {
  private static final String RUN = System.getProperty("panagrad.test.run", "widest");

  @Test
  void thisRunIsWhatItsNameSays() throws IOException {
    switch (RUN) {
      case "widest" -> {
        int preferred = VectorShape.preferredShape().vectorBitSize();
        width(Integer.getInteger("panagrad.simd.bits", Math.clamp(preferred, 128, 512)));
        chosen("simd");
      }
      case "simd-128" -> {
        width(128);
        chosen("simd");
      }
      case "simd-256" -> {
        width(256);
        chosen("simd");
      }
      case "avx2" -> {
        assertEquals("2", option("UseAVX"));
        width(256);
        chosen("simd");
      }
      case "c1" -> {
        assertEquals("1", option("TieredStopAtLevel"));
        Availability.Unavailable no = (Availability.Unavailable) simd();
        assertTrue(no.reason().contains("C2"), no.reason());
        assertTrue(no.remedy().contains("-XX:TieredStopAtLevel"), no.remedy());
        assertFalse(TestBackends.names().contains("simd"));
        chosen("scalar");
      }
      case "c1-simd" -> {
        assertEquals("1", option("TieredStopAtLevel"));
        Availability.Available yes = (Availability.Available) simd();
        assertTrue(yes.detail().contains("without the C2 compiler"), yes.detail());
        assertEquals(List.of("simd"), TestBackends.names());
      }
      case "cuda-asan" -> {
        assertEquals(List.of("cuda"), TestBackends.names());
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
          assertTrue(maps.anyMatch(line -> line.contains("libcudasim-asan.so")));
        }
      }
      default -> fail("no such run: " + RUN);
    }
  }

  private static Availability simd() {
    return Backends.entries().stream()
        .filter(entry -> entry.name().equals("simd"))
        .findFirst()
        .orElseThrow()
        .availability();
  }

  private static void width(int bits) {
    try (Backend backend = Backends.open("simd", new BackendOptions(1))) {
      assertEquals(bits + "-bit vectors, 1 thread", backend.detail());
    }
  }

  private static void chosen(String name) {
    try (Backend backend = Backends.open(Backends.AUTO, new BackendOptions(1))) {
      assertEquals(name, backend.name());
    }
  }

  private static String option(String name) {
    return ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
        .getVMOption(name)
        .getValue();
  }
}
