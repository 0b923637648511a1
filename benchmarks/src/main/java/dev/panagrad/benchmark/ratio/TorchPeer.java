package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.CompilationUnit;
import org.bytedeco.pytorch.Function;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.QualifiedName;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * PyTorch's CPU kernels, called from TorchScript functions that hold the loop, so that neither
 * Python nor a call from Java per repetition counts against PyTorch. The functions are in the
 * resource {@code peer.torchscript}.
 */
final class TorchPeer {
  private static final CompilationUnit PROGRAM;

  /** Kept for the life of the process: it skips autograd's share of every call. */
  private static final InferenceMode NO_AUTOGRAD;

  static {
    // Otherwise JavaCPP counts this process's other native memory against the heap limit.
    System.setProperty("org.bytedeco.javacpp.maxphysicalbytes", "0");
    Loader.load(torch.class);
    NO_AUTOGRAD = new InferenceMode(true);
    torch.setGraphExecutorOptimize(false);
    PROGRAM = torch.compile(script());
  }

  private TorchPeer() {}

  private static String script() {
    try (InputStream in = TorchPeer.class.getResourceAsStream("peer.torchscript")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A function of the script with its arguments; the last argument, n, is added by each call. */
  static final class Call {
    private final Function function;
    private final IValue[] arguments;

    Call(String function, List<IValue> arguments) {
      this.function = PROGRAM.find_function(new QualifiedName(function));
      this.arguments = new IValue[arguments.size() + 1];
      for (int i = 0; i < arguments.size(); i++) {
        this.arguments[i] = arguments.get(i);
      }
    }

    void repeat(long times) {
      apply(times).close();
    }

    private IValue apply(long last) {
      arguments[arguments.length - 1] = new IValue(last);
      try (IValueVector stack = new IValueVector(arguments)) {
        return function.apply(stack);
      }
    }
  }

  /** Optimizer steps with their count. */
  static final class StepCall {
    private final Call call;
    private final org.bytedeco.pytorch.Tensor step;

    private StepCall(Call call, org.bytedeco.pytorch.Tensor step) {
      this.call = call;
      this.step = step;
    }

    void repeat(long times) {
      call.repeat(times);
    }

    void forgetSteps() {
      step.zero_();
    }
  }

  /** Steps of a list of tensors of that size, which are parts of the data's. */
  static StepCall steps(String function, StepData data, long tensorSize, int threads) {
    torch.set_num_threads(threads);
    List<IValue> arguments = new ArrayList<>();
    arguments.add(parts(data.parameters(), tensorSize));
    arguments.add(parts(data.gradient(), tensorSize));
    for (Tensor slot : data.slots()) {
      arguments.add(parts(slot, tensorSize));
    }
    org.bytedeco.pytorch.Tensor step = torch.zeros(new long[0]);
    arguments.add(new IValue(step));
    return new StepCall(new Call(function, arguments), step);
  }

  private static IValue parts(Tensor flat, long size) {
    return new Call("parts", List.of(vector(flat))).apply(size);
  }

  /** {@code out = 2/n X^T (X w - y)} with vectors. */
  static Call gradientByMv(
      Tensor x, Tensor y, Tensor w, Tensor out, TensorArena memory, int threads) {
    return byMv("gradient_mv", x, y, w, out, memory, threads);
  }

  /** {@code out = 1/n X^T (sigmoid(X w) - y)} with vectors. */
  static Call logisticByMv(
      Tensor x, Tensor y, Tensor w, Tensor out, TensorArena memory, int threads) {
    return byMv("logistic_mv", x, y, w, out, memory, threads);
  }

  private static Call byMv(
      String function, Tensor x, Tensor y, Tensor w, Tensor out, TensorArena memory, int threads) {
    torch.set_num_threads(threads);
    Tensor residuals = memory.allocate("mv residuals", DType.F32, x.rows());
    return new Call(
        function, List.of(matrix(x), vector(y), vector(w), vector(residuals), vector(out)));
  }

  /**
   * The squared error's with y, w and out as matrices, those of the weights [features, outputs].
   */
  static Call gradientByMm(
      Tensor x, Tensor y, Tensor w, Tensor out, TensorArena memory, int threads) {
    torch.set_num_threads(threads);
    return new Call(
        "gradient_mm", List.of(matrix(x), matrix(y), matrix(w), residuals(y, memory), matrix(out)));
  }

  /** The same with weights [outputs, features]. */
  static Call gradientByLinear(
      Tensor x, Tensor y, Tensor w, Tensor out, TensorArena memory, int threads) {
    torch.set_num_threads(threads);
    return new Call(
        "gradient_linear",
        List.of(matrix(x), matrix(y), matrix(w), residuals(y, memory), matrix(out)));
  }

  private static IValue residuals(Tensor y, TensorArena memory) {
    return matrix(memory.allocate("mm residuals", DType.F32, y.rows(), y.cols()));
  }

  /** {@code out = x . w}. */
  static Call dot(Tensor x, Tensor w, Tensor out) {
    torch.set_num_threads(1);
    return new Call("dot", List.of(vector(x), vector(w), new IValue(view(out))));
  }

  /** {@code C = A B}. */
  static Call gemm(Tensor a, Tensor b, Tensor c, int threads) {
    torch.set_num_threads(threads);
    return new Call("mm", List.of(matrix(a), matrix(b), matrix(c)));
  }

  static IValue vector(Tensor tensor) {
    return new IValue(view(tensor, tensor.count()));
  }

  static IValue matrix(Tensor tensor) {
    return new IValue(view(tensor, tensor.rows(), tensor.cols()));
  }

  /** Row numbers. */
  static IValue indices(Tensor index) {
    return new IValue(
        torch.from_blob(
            at(index), new long[] {index.count()}, new TensorOptions(torch.ScalarType.Long)));
  }

  static org.bytedeco.pytorch.Tensor view(Tensor tensor, long... extents) {
    return torch.from_blob(at(tensor), extents);
  }

  private static Pointer at(Tensor tensor) {
    return new At(NativeView.of(tensor).address());
  }

  private static final class At extends Pointer {
    At(long address) {
      this.address = address;
    }
  }
}
