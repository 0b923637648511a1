package dev.panagrad.fuzz;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Inputs that were found, each with the reader that it was found for. */
class FuzzInputsTest {
  @TestFactory
  List<DynamicTest> inputs() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (Map.Entry<Class<?>, FuzzTargets.Target> target : FuzzTargets.all().entrySet()) {
      Path folder = FuzzTargets.inputs(target.getKey());
      try (Stream<Path> files = Files.list(folder)) {
        List<Path> inputs = files.sorted().toList();
        assertTrue(!inputs.isEmpty(), "no inputs in " + folder);
        for (Path input : inputs) {
          byte[] bytes = Files.readAllBytes(input);
          tests.add(
              DynamicTest.dynamicTest(
                  target.getKey().getSimpleName() + " " + input.getFileName(),
                  () -> target.getValue().run(bytes)));
        }
      }
    }
    return tests;
  }

  /** What readers must keep to is looked at. */
  @Test
  void whatReadersMayNotDo() {
    byte[] bytes = new byte[3];
    Reading.check(
        "x",
        bytes,
        1,
        file -> {
          throw new IOException(file + ": refused");
        });
    for (String message : new String[] {null, "without the file", "x: \u001b", "x".repeat(9000)}) {
      assertThrows(
          AssertionError.class,
          () ->
              Reading.check(
                  "x",
                  bytes,
                  1,
                  file -> {
                    throw new IOException(message);
                  }));
    }
    assertThrows(
        IndexOutOfBoundsException.class,
        () ->
            Reading.check(
                "x",
                bytes,
                1,
                file -> {
                  throw new IndexOutOfBoundsException();
                }));
    assertThrows(
        AssertionError.class,
        () -> Reading.check("x", bytes, 1, file -> bytes[0] = (new byte[9 << 20])[0]));
  }
}
