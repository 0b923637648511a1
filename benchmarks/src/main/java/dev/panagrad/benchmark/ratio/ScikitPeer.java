package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Loss and gradient of scikit-learn's LogisticRegression, in a process of Python. */
final class ScikitPeer implements Contender {
  private final PythonPeer python;
  private final Contender work;
  private final Expected expected;

  private ScikitPeer(PythonPeer python, Expected expected) {
    this.python = python;
    this.work = python.open("logistic");
    this.expected = expected;
  }

  /** Absent where Python or scikit-learn is. */
  static Contender logistic(Tensor x, Tensor y, Tensor w, int threads, Expected expected) {
    Path file = null;
    try {
      file = Files.createTempFile("ratios", ".f32");
      try (FileChannel to = FileChannel.open(file, StandardOpenOption.WRITE)) {
        for (Tensor each : List.of(x, y, w)) {
          for (var bytes = NativeView.of(each).asByteBuffer(); bytes.hasRemaining(); ) {
            to.write(bytes);
          }
        }
      }
      PythonPeer python =
          PythonPeer.start(
              "scikit_peer.py",
              file.toString(),
              Long.toString(x.rows()),
              Long.toString(x.cols()),
              Integer.toString(threads));
      return new ScikitPeer(python, expected);
    } catch (IOException e) {
      throw new UncheckedIOException("the data cannot be written", e);
    } finally {
      delete(file);
    }
  }

  private static void delete(Path file) {
    try {
      if (file != null) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + " stays", e);
    }
  }

  @Override
  public void repeat(long times) {
    work.repeat(times);
  }

  @Override
  public Optional<String> disagreement() {
    work.repeat(1);
    double[] found =
        Arrays.stream(python.ask("result").split(" ")).mapToDouble(Double::parseDouble).toArray();
    try (TensorArena arena = TensorArena.open("scikit-learn")) {
      Tensor gradient = arena.allocate("gradient", DType.F32, found.length);
      return expected.disagreement(gradient.copyFrom(found));
    }
  }

  @Override
  public void close() {
    work.close();
    python.close();
  }
}
