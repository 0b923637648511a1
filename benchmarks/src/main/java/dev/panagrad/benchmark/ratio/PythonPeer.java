package dev.panagrad.benchmark.ratio;

import dev.panagrad.benchmark.launch.DistinctLines;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A library in a process of Python, by lines as the scripts {@code torch_peer.py} and {@code
 * scikit_peer.py} have them. The interpreter is {@code python3} on the path, or what the
 * environment variable {@code PYTHON} names.
 *
 * <p>A turn's message and its answer take less than a tenth of a millisecond, which counts against
 * the library; a turn takes 10 ms or more.
 */
public final class PythonPeer implements AutoCloseable {
  private final BufferedWriter to;
  private final BufferedReader from;
  private final Process python;
  private final String facts;
  private int works;

  private PythonPeer(Process python) throws IOException {
    this.python = python;
    to = python.outputWriter(StandardCharsets.UTF_8);
    from = python.inputReader(StandardCharsets.UTF_8);
    facts = ask("facts");
  }

  /**
   * Starts it.
   *
   * @param script file name among the resources
   * @param arguments of the script
   * @throws IllegalStateException if there is no Python, or the script does not answer
   */
  public static PythonPeer start(String script, String... arguments) {
    String interpreter = System.getenv().getOrDefault("PYTHON", "python3");
    Process python = null;
    try {
      List<String> command = new ArrayList<>(List.of(interpreter, "-c", text(script)));
      command.addAll(List.of(arguments));
      // It ends when its standard input does, with this process at the latest.
      python = new ProcessBuilder(command).start();
      new DistinctLines().copy(python);
      return new PythonPeer(python);
    } catch (IOException | UncheckedIOException | IllegalStateException e) {
      if (python != null) {
        python.destroy();
      }
      throw new IllegalStateException(
          "%s cannot be used by %s %s: %s"
              .formatted(interpreter, script, String.join(" ", arguments), e.getMessage()),
          e);
    }
  }

  private static String text(String script) throws IOException {
    try (InputStream in = PythonPeer.class.getResourceAsStream("/python/" + script)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Versions of the library and Python, and the device's name. */
  public String facts() {
    return facts;
  }

  /** What comes after "ok". */
  String ask(String request) {
    String answer = answer(request);
    if (!answer.startsWith("ok")) {
      throw new IllegalStateException(answer);
    }
    return answer.substring(2).strip();
  }

  private String answer(String request) {
    try {
      to.write(request);
      to.newLine();
      to.flush();
      String answer = from.readLine();
      if (answer == null) {
        throw new IllegalStateException("it has ended; standard error says why");
      }
      return answer;
    } catch (IOException e) {
      throw new UncheckedIOException("it does not answer", e);
    }
  }

  /**
   * Makes work of the library.
   *
   * @param work name and sizes, as the script has them
   */
  public Contender open(String work) {
    return new Work(work);
  }

  private final class Work implements Contender {
    private final String name = "w" + works++;

    Work(String work) {
      ask("prepare " + name + " " + work);
    }

    @Override
    public void repeat(long times) {
      ask("run " + name + " " + times);
    }

    @Override
    public Optional<String> disagreement() {
      String answer = answer("check " + name);
      return answer.equals("ok") ? Optional.empty() : Optional.of(answer);
    }

    @Override
    public void close() {
      // Where Python has ended, an exception here would hide the one that says so.
      if (python.isAlive()) {
        answer("drop " + name);
      }
    }
  }

  @Override
  public void close() {
    python.destroy();
  }
}
