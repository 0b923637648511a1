package dev.panagrad.train.online;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/**
 * Two copies of parameters, optimizer state and the guard's memory, where the backend computes. A
 * copy is good once a block of batches was accepted after it; the other one waits for that.
 *
 * <p>Ownership: memory belongs to the arena. Threading: one thread at a time.
 */
public final class GoodParameters {
  /** One moment of a training. */
  private static final class Moment {
    private final List<Tensor> copies = new ArrayList<>();
    private final double[] memory = new double[RowGuard.NUMBERS];
    private long steps;
  }

  private final Backend backend;
  private final Optimizer optimizer;
  private final RowGuard guard;
  private final List<Tensor> live = new ArrayList<>(); // parameters first
  private Moment good;
  private Moment candidate;

  /** Takes the parameters as they are for good. */
  public GoodParameters(Backend backend, TensorArena arena, Optimizer optimizer, RowGuard guard) {
    this.backend = backend;
    this.optimizer = optimizer;
    this.guard = guard;
    live.add(optimizer.parameters().flat());
    live.addAll(optimizer.state());
    if (optimizer.averaged() != null) {
      live.add(optimizer.averaged().flat());
    }
    good = moment(arena, "good ");
    candidate = moment(arena, "waiting ");
    keep();
  }

  private Moment moment(TensorArena arena, String what) {
    Moment moment = new Moment();
    for (Tensor tensor : live) {
      moment.copies.add(
          backend.allocate(arena, what + tensor.name(), tensor.dtype(), tensor.shape()));
    }
    return moment;
  }

  /** Takes the parameters as they are for good, whatever came before. */
  public void keep() {
    take(good);
    take(candidate);
  }

  /** After a calm block: what waited is good, and what is there waits. */
  public void advance() {
    Moment before = good;
    good = candidate;
    candidate = before;
    take(candidate);
  }

  private void take(Moment moment) {
    for (int i = 0; i < live.size(); i++) {
      backend.copy(live.get(i), moment.copies.get(i));
    }
    guard.copyTo(moment.memory);
    moment.steps = optimizer.steps();
  }

  private void put(Moment moment) {
    for (int i = 0; i < live.size(); i++) {
      backend.copy(moment.copies.get(i), live.get(i));
    }
    optimizer.resumeAt(moment.steps);
  }

  /** Makes the last good ones current, with the guard's bounds of then. */
  public void restore() {
    guard.restore(good.memory);
    guard.forgive();
    restoreParameters();
  }

  /** Makes the last good ones current, with the bounds of now. */
  public void restoreParameters() {
    put(good);
    guard.copyTo(good.memory);
    take(candidate);
  }

  /** Puts the good parameters in place, for a look at them; {@link #putBack} ends it. */
  public void tryGood() {
    take(candidate);
    backend.copy(good.copies.getFirst(), live.getFirst());
  }

  public void putBack() {
    backend.copy(candidate.copies.getFirst(), live.getFirst());
  }
}
