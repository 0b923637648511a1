package dev.panagrad.benchmark.gpu;

import dev.panagrad.benchmark.launch.DistinctLines;
import dev.panagrad.benchmark.ratio.Contender;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * PyTorch in a process of Python, by lines as the script {@code torch_peer.py} has them. The
 * interpreter is {@code python3} on the path, or what the environment variable {@code PYTHON}
 * names.
 *
 * <p>A turn's message and its answer take less than a tenth of a millisecond, which counts against
 * PyTorch; a turn takes 100 ms or more.
 */
final class TorchPeer implements AutoCloseable {
  static final String LIBRARY = "PyTorch";
  private static final String SCRIPT = "/python/torch_peer.py";

  private final BufferedWriter to;
  private final BufferedReader from;
  private final Process python;
  private final String facts;
  private int works;

  private TorchPeer(Process python) throws IOException {
    this.python = python;
    to = python.outputWriter(StandardCharsets.UTF_8);
    from = python.inputReader(StandardCharsets.UTF_8);
    facts = ask("facts");
  }

  /**
   * Starts it.
   *
   * @param device {@code cuda} or {@code cpu}
   * @throws IllegalStateException if there is no Python, no PyTorch in it, or no such device
   */
  static TorchPeer start(String device) {
    String interpreter = System.getenv().getOrDefault("PYTHON", "python3");
    Process python = null;
    try {
      // It ends when its standard input does, with this process at the latest.
      python = new ProcessBuilder(interpreter, "-c", script(), device).start();
      new DistinctLines().copy(python);
      return new TorchPeer(python);
    } catch (IOException | UncheckedIOException | IllegalStateException e) {
      if (python != null) {
        python.destroy();
      }
      throw new IllegalStateException(
          "%s with torch on device %s cannot be used: %s"
              .formatted(interpreter, device, e.getMessage()),
          e);
    }
  }

  private static String script() throws IOException {
    try (InputStream in = TorchPeer.class.getResourceAsStream(SCRIPT)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Versions of PyTorch and Python, and the device's name. */
  String facts() {
    return facts;
  }

  /** What comes after "ok". */
  private String ask(String request) {
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
   * Work of PyTorch.
   *
   * @param work name and sizes, as the script has them
   */
  Contender open(String work) {
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
