package dev.panagrad.backend.simd;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.BackendTable;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where the Vector API would be slow, simd says why and what to do, the automatic choice goes on
 * with the reference, and openblas does not need it. Each case is a JVM with its own flags.
 */
class SimdProviderTest {
  private static final String C1 = "-XX:TieredStopAtLevel=1";
  private static final String FORCE = "-Dpanagrad.simd.force=true";

  @ParameterizedTest
  @ValueSource(
      strings = {
        C1,
        "-XX:TieredStopAtLevel=0",
        "-XX:TieredStopAtLevel=3",
        "-XX:CompilationMode=quick-only",
        "-Xint"
      })
  void withoutC2(String option) throws IOException, InterruptedException {
    BackendTable table = BackendTable.of(option);
    table.refuses("simd", "C2 compiler is off", "remedy: remove", option.replaceAll("=.*", ""));
    table.chooses("scalar");
  }

  @Test
  void trainingWithoutC2IsScalarAndSaysWhy() throws IOException, InterruptedException {
    String out =
        BackendTable.program(
            0,
            List.of(),
            System.getProperty("java.class.path"),
            List.of(C1),
            "train",
            "sample:diabetes",
            "--target",
            "progression",
            "--epochs",
            "1",
            "--json");
    assertTrue(out.lines().anyMatch(line -> line.matches(".*\"backend\" *: *\"scalar\".*")), out);
    assertTrue(out.contains("backend simd is not used: the C2 compiler is off"), out);
    assertTrue(out.contains("remedy: remove -Xint, -client, -XX:TieredStopAtLevel"), out);
  }

  @Test
  void openblasRunsWithoutSimdWhereItIsThere() throws IOException, InterruptedException {
    BackendTable with = BackendTable.of();
    BackendTable without = BackendTable.of(C1);
    with.chooses("simd");
    assertTrue(without.text().contains(with.line("openblas")), without.text());
  }

  /** For tests of the kernels under the other compiler; no other check is left out. */
  @Test
  void forcedWithoutC2SaysThatItIsSlow() throws IOException, InterruptedException {
    String line = BackendTable.of(C1, FORCE).chooses("simd");
    assertTrue(line.contains("very slow: without the C2 compiler by -Dpanagrad.simd.force"), line);
    BackendTable.of(C1, "-Dpanagrad.simd.force=false").refuses("simd", "C2 compiler is off");
    BackendTable.of(C1, FORCE, "-XX:-UseFMA").refuses("simd", "no fused multiply-add");
    BackendTable.of(C1, FORCE, "-Dpanagrad.simd.bits=64").refuses("simd", "panagrad.simd.bits");
  }

  @Test
  void forcingWhereC2RunsChangesNothing() throws IOException, InterruptedException {
    String line = BackendTable.of(FORCE).chooses("simd");
    assertFalse(line.contains("slow"), line);
  }

  @Test
  void withoutFusedMultiplyAdd() throws IOException, InterruptedException {
    BackendTable table = BackendTable.of("-XX:-UseFMA");
    table.refuses("simd", "no fused multiply-add instruction", "-XX:-UseFMA");
    table.chooses("scalar");
  }

  @ParameterizedTest
  @ValueSource(strings = {"64", "wide"})
  void widthsThatAreNone(String bits) throws IOException, InterruptedException {
    BackendTable table = BackendTable.of("-Dpanagrad.simd.bits=" + bits);
    table.refuses("simd", "must be 128, 256 or 512, found '" + bits + "'", "-Dpanagrad.simd.bits");
    table.chooses("scalar");
  }

  /** MaxVectorSize is in bytes. */
  @Test
  void widerThanTheMachine() throws IOException, InterruptedException {
    BackendTable table = BackendTable.of("-XX:MaxVectorSize=16", "-Dpanagrad.simd.bits=512");
    table.refuses("simd", "512-bit vectors are needed, and this machine has 128 bits", "remedy");
    table.chooses("scalar");
  }
}
