package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.PreparedCall;
import dev.panagrad.backend.Transpose;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;

/** Calls that are over before most others have begun: what a call costs. F32, one thread. */
final class ShortCallComparisons {
  private ShortCallComparisons() {}

  /** The prediction of one row by one linear model. */
  static Comparison prediction(long features, double torchGoal) {
    TensorArena memory = TensorArena.open("prediction");
    Tensor x = RandomValues.tensor(memory, "x", 1, 1, features);
    Tensor w = RandomValues.tensor(memory, "w", 2, 1, features);
    Expected expected = Expected.dot(x, w);
    Rival torch =
        new Rival(
            "PyTorch",
            "dot",
            torchGoal,
            () -> {
              Tensor out = memory.allocate("torch prediction", DType.F32, 1);
              TorchPeer.Call call = TorchPeer.dot(x, w, out);
              return new OutputContender(call::repeat, out, expected);
            });
    return new Comparison(
            "prediction f32 d = %d prepared, 1 thread".formatted(features),
            1,
            memory,
            () -> {
              Backend backend = OurBackend.open(1);
              Tensor out = memory.allocate("prediction", DType.F32, 1);
              PreparedCall call =
                  backend.linear().preparePredict(x, 0, 1, new Linear(w, null), out);
              return OutputContender.of(call, out, expected, backend::close);
            },
            List.of(torch))
        .heapFree();
  }

  /** The prediction of a row on the heap, beside the loop that anyone would write. */
  static Comparison heapPrediction(int features, double loopGoal) {
    TensorArena memory = TensorArena.open("prediction");
    Tensor x = RandomValues.tensor(memory, "x", 1, 1, features);
    Tensor w = RandomValues.tensor(memory, "w", 2, 1, features);
    Expected expected = Expected.dot(x, w);
    double[] weights = w.toArray();
    double[] row = x.toArray();
    List<String> names = IntStream.range(0, features).mapToObj(f -> "f" + f).toList();
    LinearModel model =
        new LinearModel(names, List.of("y"), new double[][] {weights}, new double[1]);
    Rival loop =
        new Rival(
            "Java",
            "loop",
            loopGoal,
            () -> {
              Tensor out = memory.allocate("loop's", DType.F32, 1);
              return new OutputContender(
                  times -> out.set(0, predictions(weights, row, times)), out, expected);
            });
    return new Comparison(
            "prediction double[] d = %d, 1 thread".formatted(features),
            1,
            memory,
            () -> {
              Tensor out = memory.allocate("prediction", DType.F32, 1);
              return new OutputContender(
                  times -> out.set(0, predictions(model, row, times)), out, expected);
            },
            List.of(loop))
        .heapFree();
  }

  /** Rows differ, so that no prediction leaves the loop; returns that of the row as it is. */
  private static double predictions(LinearModel model, double[] row, long times) {
    double first = row[0];
    double all = 0;
    for (long i = 1; i < times; i++) {
      row[0] = i;
      all += model.predict(row, 0);
    }
    row[0] = first;
    return Double.isNaN(all) ? all : model.predict(row, 0);
  }

  /** A loop of its own, whose types the other's cannot change. */
  private static double predictions(double[] weights, double[] row, long times) {
    double first = row[0];
    double all = 0;
    for (long i = 1; i < times; i++) {
      row[0] = i;
      all += product(weights, row);
    }
    row[0] = first;
    return Double.isNaN(all) ? all : product(weights, row);
  }

  private static double product(double[] w, double[] x) {
    double sum = 0;
    for (int f = 0; f < w.length; f++) {
      sum += w[f] * x[f];
    }
    return sum;
  }

  /** The product of two vectors. */
  static Comparison dot(long n, double blasGoal) {
    TensorArena memory = TensorArena.open("dot");
    Tensor x = RandomValues.tensor(memory, "x", 1, n);
    Tensor y = RandomValues.tensor(memory, "y", 2, n);
    Expected expected = Expected.dot(x, y);
    Rival blas =
        new Rival(
            "OpenBLAS",
            "",
            blasGoal,
            () -> {
              Tensor out = memory.allocate("BLAS dot", DType.F32, 1);
              return new OutputContender(OpenBlasPeer.dot(x, y, out), out, expected);
            });
    return new Comparison(
        "dot f32 %d, 1 thread".formatted(n),
        1,
        memory,
        () -> {
          Backend backend = OurBackend.open(1);
          LinearAlgebra linear = backend.linear();
          Tensor out = memory.allocate("dot", DType.F32, 1);
          MemorySegment result = NativeView.of(out);
          OutputContender.Loop loop =
              times -> {
                for (long i = 0; i < times; i++) {
                  result.set(ValueLayout.JAVA_FLOAT, 0, (float) linear.dot(x, y));
                }
              };
          return new OutputContender(loop, out, expected, backend::close);
        },
        List.of(blas));
  }

  /** {@code y = A x}, square. */
  static Comparison gemv(long n, double blasGoal) {
    TensorArena memory = TensorArena.open("gemv");
    Tensor a = RandomValues.tensor(memory, "A", 1, n, n);
    Tensor x = RandomValues.tensor(memory, "x", 2, n);
    Expected expected = Expected.product(a, x.toArray());
    Rival blas =
        new Rival(
            "OpenBLAS",
            "",
            blasGoal,
            () -> {
              Tensor y = memory.allocate("BLAS y", DType.F32, n);
              return new OutputContender(OpenBlasPeer.gemv(a, x, y), y, expected);
            });
    return new Comparison(
        "gemv f32 %d prepared, 1 thread".formatted(n),
        1,
        memory,
        () -> {
          Backend backend = OurBackend.open(1);
          Tensor y = memory.allocate("y", DType.F32, n);
          PreparedCall call = backend.linear().prepareGemv(Transpose.NO, 1, a, x, 0, y);
          return OutputContender.of(call, y, expected, backend::close);
        },
        List.of(blas));
  }
}
