package dev.panagrad.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import jdk.incubator.vector.VectorShape;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Leaves out a run of the build, by its {@code panagrad.test.run}, that on this machine would test
 * the same instructions as the run of all tests. Found by JUnit as a service.
 */
public final class RepeatedRun implements ExecutionCondition {
  private static final ConditionEvaluationResult RESULT = evaluate();

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return RESULT;
  }

  private static ConditionEvaluationResult evaluate() {
    boolean repeated =
        switch (System.getProperty("panagrad.test.run", "")) {
          case "simd-128" -> VectorShape.preferredShape().vectorBitSize() == 128;
          case "simd-256" -> VectorShape.preferredShape().vectorBitSize() == 256;
          case "avx2" -> isWithoutAvx512();
          default -> false;
        };
    return repeated
        ? ConditionEvaluationResult.disabled("on this machine as in the run of all tests")
        : ConditionEvaluationResult.enabled("");
  }

  /** Not known, and so false, where the system has no such file. */
  private static boolean isWithoutAvx512() {
    Path info = Path.of("/proc/cpuinfo");
    try {
      return Files.isReadable(info) && !Files.readString(info).contains("avx512");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
