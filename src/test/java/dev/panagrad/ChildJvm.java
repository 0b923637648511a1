package dev.panagrad;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A JVM of its own, with the vector module, for what a process does once or has one of. */
public final class ChildJvm {
  private ChildJvm() {}

  /**
   * What it prints on both streams until it exits with this status.
   *
   * @param prefix a command that runs the command which follows it
   * @param line the main class and its arguments
   */
  public static String output(
      int status, List<String> prefix, String classPath, List<String> options, String... line)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--add-modules=jdk.incubator.vector");
    command.addAll(options);
    command.addAll(List.of("-cp", classPath));
    command.addAll(List.of(line));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeAll(List.of("PANAGRAD_BACKEND", "JDK_JAVA_OPTIONS"));
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(status, process.waitFor(), out);
    return out;
  }

  /** What a class of this class path prints that ends well, with these options of the JVM. */
  public static String output(Class<?> main, String... options)
      throws IOException, InterruptedException {
    String classPath = System.getProperty("java.class.path");
    return output(0, List.of(), classPath, List.of(options), main.getName());
  }
}
