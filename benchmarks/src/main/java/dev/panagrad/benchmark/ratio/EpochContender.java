package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Optional;

/** Trains by epochs, from where it is. */
abstract class EpochContender implements Contender {
  private final EpochData data;

  EpochContender(EpochData data) {
    this.data = data;
  }

  /** What is trained. */
  abstract Tensor weights();

  /** Adam's two vectors. */
  abstract List<Tensor> state();

  /** The next step is the first. */
  abstract void forgetSteps();

  /** Weights or a state vector of a peer. */
  static Tensor vector(TensorArena memory, String name, EpochData data) {
    return memory.allocate(name, DType.F32, data.x().cols());
  }

  @Override
  public Optional<String> disagreement() {
    data.reset(weights(), state());
    forgetSteps();
    repeat(1);
    return data.disagreement(weights());
  }
}
