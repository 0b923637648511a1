package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
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
import org.bytedeco.pytorch.global.torch;

/**
 * PyTorch's CPU kernels, called from TorchScript functions that hold the loop, so that neither
 * Python nor a call from Java per repetition counts against PyTorch.
 */
final class TorchPeer {
  /**
   * The lists are made once and returned: TorchScript does not see that the fused operators write
   * to the elements of a list, and removes the operator where nothing else holds the list. For the
   * same reason results go to {@code out}. PyTorch has no fused RMSprop; this is its single-tensor
   * form.
   */
  private static final String SCRIPT =
      """
      def adam(p: Tensor, g: Tensor, m: Tensor, v: Tensor, step: Tensor, n: int):
          ps = [p]
          gs = [g]
          ms = [m]
          vs = [v]
          steps = [step]
          for i in range(n):
              step.add_(1)
              torch._fused_adam_(ps, gs, ms, vs, [], steps,
                  lr=0.001, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=False,
                  maximize=False)
          return ps

      def momentum(p: Tensor, g: Tensor, b: Tensor, step: Tensor, n: int):
          ps = [p]
          gs = [g]
          bs = [b]
          for i in range(n):
              torch._fused_sgd_(ps, gs, bs,
                  weight_decay=0.0, momentum=0.9, lr=0.001, dampening=0.0, nesterov=False,
                  maximize=False, is_first_step=False)
          return ps

      def rmsprop(p: Tensor, g: Tensor, v: Tensor, step: Tensor, n: int):
          for i in range(n):
              v.mul_(0.99).addcmul_(g, g, value=0.01)
              p.addcdiv_(g, v.sqrt().add_(1e-8), value=-0.001)
          return p

      def gradient_mv(x: Tensor, y: Tensor, w: Tensor, out: Tensor, n: int):
          scale = 2.0 / x.size(0)
          for i in range(n):
              torch.mv(x.t(), torch.mv(x, w).sub_(y), out=out)
              out.mul_(scale)
          return out

      def gradient_mm(x: Tensor, y: Tensor, w: Tensor, out: Tensor, n: int):
          scale = 2.0 / x.size(0)
          for i in range(n):
              torch.mm(x.t(), torch.mm(x, w).sub_(y), out=out)
              out.mul_(scale)
          return out

      def dot(x: Tensor, w: Tensor, out: Tensor, n: int):
          for i in range(n):
              torch.dot(x, w, out=out)
          return out
      """;

  private static final CompilationUnit PROGRAM;

  /** Kept for the life of the process: it skips autograd's share of every call. */
  private static final InferenceMode NO_AUTOGRAD;

  static {
    // Otherwise JavaCPP counts this process's other native memory against the heap limit.
    System.setProperty("org.bytedeco.javacpp.maxphysicalbytes", "0");
    Loader.load(torch.class);
    NO_AUTOGRAD = new InferenceMode(true);
    torch.setGraphExecutorOptimize(false);
    PROGRAM = torch.compile(SCRIPT);
  }

  private TorchPeer() {}

  /** A function of the script with its arguments; the last argument, n, is added by each call. */
  static final class Call {
    private final Function function;
    private final IValue[] arguments;

    private Call(String function, List<org.bytedeco.pytorch.Tensor> arguments) {
      this.function = PROGRAM.find_function(new QualifiedName(function));
      this.arguments = new IValue[arguments.size() + 1];
      for (int i = 0; i < arguments.size(); i++) {
        this.arguments[i] = new IValue(arguments.get(i));
      }
    }

    void repeat(long times) {
      arguments[arguments.length - 1] = new IValue(times);
      try (IValueVector stack = new IValueVector(arguments)) {
        function.apply(stack).close();
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

  static StepCall steps(StepData data, int threads) {
    torch.set_num_threads(threads);
    List<org.bytedeco.pytorch.Tensor> arguments = new ArrayList<>();
    arguments.add(vector(data.parameters()));
    arguments.add(vector(data.gradient()));
    for (Tensor slot : data.slots()) {
      arguments.add(vector(slot));
    }
    org.bytedeco.pytorch.Tensor step = torch.zeros(new long[0]);
    arguments.add(step);
    return new StepCall(new Call(data.rule().torchFunction, arguments), step);
  }

  /** {@code out = 2/n X^T (X w - y)} with vectors. */
  static Call gradientByMv(Tensor x, Tensor y, Tensor w, Tensor out, int threads) {
    torch.set_num_threads(threads);
    return new Call(
        "gradient_mv", List.of(view(x, x.rows(), x.cols()), vector(y), vector(w), vector(out)));
  }

  /** The same with y, w and out as matrices of one column. */
  static Call gradientByMm(Tensor x, Tensor y, Tensor w, Tensor out, int threads) {
    torch.set_num_threads(threads);
    return new Call(
        "gradient_mm", List.of(view(x, x.rows(), x.cols()), column(y), column(w), column(out)));
  }

  /** {@code out = x . w}. */
  static Call dot(Tensor x, Tensor w, Tensor out) {
    torch.set_num_threads(1);
    return new Call("dot", List.of(vector(x), vector(w), view(out)));
  }

  private static org.bytedeco.pytorch.Tensor vector(Tensor tensor) {
    return view(tensor, tensor.count());
  }

  private static org.bytedeco.pytorch.Tensor column(Tensor tensor) {
    return view(tensor, tensor.count(), 1);
  }

  private static org.bytedeco.pytorch.Tensor view(Tensor tensor, long... extents) {
    return torch.from_blob(new At(NativeView.of(tensor).address()), extents);
  }

  private static final class At extends Pointer {
    At(long address) {
      this.address = address;
    }
  }
}
