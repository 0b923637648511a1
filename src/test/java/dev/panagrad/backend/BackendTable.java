package dev.panagrad.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.ChildJvm;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The table of backends of a JVM with other options, which the command {@code backends} prints: a
 * process decides once which backends it has.
 *
 * @param text the table
 */
public record BackendTable(String text) {
  /** Options for half the time of a start, where what is tested is not the compiler. */
  public static final List<String> WITHOUT_C2 =
      List.of("-XX:TieredStopAtLevel=1", "-Dpanagrad.simd.force=true");

  /** Of a JVM with the vector module, this class path, and these options. */
  public static BackendTable of(String... options) throws IOException, InterruptedException {
    return of(List.of(), System.getProperty("java.class.path"), options);
  }

  /**
   * Of a JVM with the vector module.
   *
   * @param prefix a command that runs the command which follows it
   */
  public static BackendTable of(List<String> prefix, String classPath, String... options)
      throws IOException, InterruptedException {
    return new BackendTable(
        output(0, prefix, classPath, List.of(options), Printed.class.getName()));
  }

  /** Of a JVM that denies native access to whom no option grants it. */
  public static BackendTable ofDenied(String... options) throws IOException, InterruptedException {
    List<String> flags = new ArrayList<>(List.of(options));
    flags.add("--illegal-native-access=deny");
    return new BackendTable(ChildJvm.output(Printed.class, flags.toArray(String[]::new)));
  }

  /** Prints the table, without the libraries of the command line. */
  static final class Printed {
    private Printed() {}

    public static void main(String[] args) {
      System.out.println(Backends.table());
    }
  }

  /** What the program prints on both streams in a JVM of its own that exits with this status. */
  public static String program(
      int status, List<String> prefix, String classPath, List<String> options, String... arguments)
      throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of("dev.panagrad.cli.Main"));
    line.addAll(List.of(arguments));
    return output(status, prefix, classPath, options, line.toArray(String[]::new));
  }

  private static String output(
      int status, List<String> prefix, String classPath, List<String> options, String... line)
      throws IOException, InterruptedException {
    List<String> flags =
        new ArrayList<>(List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"));
    flags.addAll(options);
    return ChildJvm.output(status, prefix, classPath, flags, line);
  }

  /** A backend's line. */
  public String line(String name) {
    return text.lines().filter(line -> line.startsWith(name + " ")).findFirst().orElseThrow();
  }

  /** Requires that this is what the automatic choice takes; gives its line. */
  public String chooses(String name) {
    String line = line(name);
    assertTrue(line.matches(name + " +\\* available .+"), text);
    assertEquals(1, text.lines().filter(l -> l.matches("[a-z]+ +\\* .*")).count(), text);
    return line;
  }

  /** Requires that a backend can run; gives its line. */
  public String offers(String name) {
    String line = line(name);
    assertTrue(line.matches(name + " +\\*? +available .+"), text);
    return line;
  }

  /** Requires that a backend cannot run, with a reason and a remedy that have these parts. */
  public String refuses(String name, String... parts) {
    String line = line(name);
    assertTrue(line.matches(name + " +unavailable +\\S.*; remedy: \\S.*"), text);
    Arrays.stream(parts).forEach(part -> assertTrue(line.contains(part), part + " in: " + line));
    return line;
  }
}
