package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.global.torch;

/** Epochs of PyTorch's fused Adam on a linear model. */
final class TorchEpoch {
  private TorchEpoch() {}

  /** The gradient by two products with vectors, all in one TorchScript function. */
  static EpochContender byMv(EpochData data, TensorArena memory, int threads) {
    return new ByHand(data, memory, threads, TorchPeer::vector);
  }

  /** The same with matrices of one column. */
  static EpochContender byMm(EpochData data, TensorArena memory, int threads) {
    return new ByHand(data, memory, threads, TorchEpoch::column);
  }

  private static IValue column(Tensor tensor) {
    return TorchPeer.matrix(tensor.reshape(tensor.count(), 1));
  }

  /** The gradient by autograd, a loop in Java around libtorch's calls. Rows in order only. */
  static EpochContender autograd(EpochData data, TensorArena memory, int threads) {
    return new Autograd(data, memory, threads);
  }

  private abstract static class Peer extends EpochContender {
    final Tensor weights;
    final List<Tensor> state;
    final org.bytedeco.pytorch.Tensor step;

    Peer(EpochData data, TensorArena memory, int threads) {
      super(data);
      torch.set_num_threads(threads);
      weights = vector(memory, "torch w", data);
      state = List.of(vector(memory, "torch m", data), vector(memory, "torch v", data));
      // What is made in inference mode can be changed in inference mode only.
      try (InferenceMode off = new InferenceMode(false)) {
        step = torch.zeros(new long[0]);
      }
      data.reset(weights, state);
    }

    @Override
    final Tensor weights() {
      return weights;
    }

    @Override
    final List<Tensor> state() {
      return state;
    }

    @Override
    final void forgetSteps() {
      step.zero_();
    }
  }

  private static final class ByHand extends Peer {
    private final TorchPeer.Call call;

    ByHand(
        EpochData data, TensorArena memory, int threads, Function<Tensor, IValue> vectorOrColumn) {
      super(data, memory, threads);
      List<IValue> arguments = new ArrayList<>();
      arguments.add(TorchPeer.matrix(data.x()));
      arguments.add(vectorOrColumn.apply(data.y()));
      if (data.order() != null) {
        arguments.add(TorchPeer.indices(data.order()));
      }
      arguments.add(vectorOrColumn.apply(weights));
      state.forEach(slot -> arguments.add(vectorOrColumn.apply(slot)));
      arguments.add(new IValue(step));
      arguments.add(new IValue(data.batch()));
      call = new TorchPeer.Call(data.order() == null ? "epoch" : "epoch_shuffled", arguments);
    }

    @Override
    public void repeat(long times) {
      call.repeat(times);
    }
  }

  /** The binding has no fused Adam, so that the step is a function of the script. */
  private static final class Autograd extends Peer {
    private final long batch;
    private final long rows;
    private final org.bytedeco.pytorch.Tensor x;
    private final org.bytedeco.pytorch.Tensor y;
    private final org.bytedeco.pytorch.Tensor w;
    private final TorchPeer.Call adam;

    Autograd(EpochData data, TensorArena memory, int threads) {
      super(data, memory, threads);
      batch = data.batch();
      rows = data.x().rows();
      // Tensors made in inference mode cannot take part in autograd.
      try (InferenceMode off = new InferenceMode(false)) {
        x = TorchPeer.view(data.x(), rows, data.x().cols());
        y = TorchPeer.view(data.y(), rows);
        w = TorchPeer.view(weights, weights.count());
        w.set_requires_grad(true);
        // Gradients are added to it; the step's function makes it zero again.
        w.mutable_grad().put(torch.zeros_like(w));
        adam =
            new TorchPeer.Call(
                "adam_of_one",
                List.of(
                    TorchPeer.vector(weights),
                    new IValue(w.grad()),
                    TorchPeer.vector(state.getFirst()),
                    TorchPeer.vector(state.getLast()),
                    new IValue(step)));
      }
    }

    @Override
    public void repeat(long times) {
      try (InferenceMode off = new InferenceMode(false)) {
        for (long i = 0; i < times; i++) {
          for (long first = 0; first < rows; first += batch) {
            train(first, Math.min(batch, rows - first));
          }
        }
      }
    }

    private void train(long first, long count) {
      try (PointerScope scope = new PointerScope()) {
        torch.mse_loss(x.narrow(0, first, count).mv(w), y.narrow(0, first, count)).backward();
        adam.repeat(1);
      }
    }
  }
}
