package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;

/**
 * One run of the command line: its status and what it wrote.
 *
 * @param status exit status
 * @param out standard output
 * @param err standard error
 */
record Cli(int status, String out, String err) {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int USAGE = 2;

  /** A JVM that takes longer hangs. */
  private static final long SECONDS = 60;

  /** Fails where anything follows the object. */
  private static final ObjectReader JSON =
      new ObjectMapper().reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** Runs in this process. */
  static Cli run(String... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream newOut = new ByteArrayOutputStream();
    ByteArrayOutputStream newErr = new ByteArrayOutputStream();
    try (PrintStream o = new PrintStream(newOut, true, StandardCharsets.UTF_8);
        PrintStream e = new PrintStream(newErr, true, StandardCharsets.UTF_8)) {
      System.setOut(o);
      System.setErr(e);
      int status = Main.run(args);
      o.flush();
      e.flush();
      return new Cli(
          status, newOut.toString(StandardCharsets.UTF_8), newErr.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  /** Runs with arguments of which the first are a line separated by blanks. */
  static Cli run(String line, Path data, String... args) {
    return run(join(line.formatted(data).split(" ", -1), args));
  }

  /** Trains on a file, with arguments in one line. */
  static Cli train(Path data, String line) {
    return run(join(new String[] {"train", data.toString()}, line.split(" ", -1)));
  }

  /** Starts the program as a user does, with options for the JVM. */
  static Cli start(Path folder, List<String> jvm, Map<String, String> environment, String... args)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvm);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(args));
    Path out = folder.resolve("standard-output");
    Path err = folder.resolve("standard-error");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().remove("PANAGRAD_BACKEND");
    builder.environment().remove("JDK_JAVA_OPTIONS");
    builder.environment().putAll(environment);
    Process process = builder.start();
    try {
      assertTrue(process.waitFor(SECONDS, TimeUnit.SECONDS), "hangs: " + command);
    } finally {
      process.destroyForcibly();
    }
    return new Cli(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  private static String[] join(String[] first, String[] second) {
    String[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  /** Requires that status and gives this. */
  Cli exits(int expected) {
    assertEquals(expected, status, this::toString);
    return this;
  }

  /** The JSON object that standard output is. */
  JsonNode json() throws IOException {
    exits(DONE);
    JsonNode root = JSON.readTree(out);
    assertTrue(root.isObject(), this::toString);
    return root;
  }

  /**
   * Requires failure with one line on standard error, behind which columns that cannot be used may
   * be listed, no stack trace, nothing else; gives it.
   */
  String failure(int expected) {
    exits(expected);
    List<String> lines = err.lines().toList();
    boolean isList = lines.size() > 2 && lines.get(1).endsWith(" cannot be used:");
    assertTrue(isList || lines.size() == 1, this::toString);
    assertFalse(err.contains("Exception"), this::toString);
    return lines.getFirst();
  }

  /** Numbers of a JSON array. */
  static double[] numbers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .mapToDouble(node -> node.isNumber() ? node.doubleValue() : Double.NaN)
        .toArray();
  }

  /** Strings of a JSON array. */
  static List<String> strings(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::textValue).toList();
  }

  /** Requires that a text has all these parts. */
  static void assertContains(String text, String... parts) {
    for (String part : parts) {
      assertTrue(text.contains(part), () -> "no '" + part + "' in: " + text);
    }
  }
}
