package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds what {@link Checkpoint} saves, as it is at one moment, to be written then or later: by
 * another thread while the optimizer goes on, if it is a copy. The memory is allocated once. The
 * caller sees to it that {@link #take} and {@link #write} take turns.
 */
public final class CheckpointSnapshot {
  private final Optimizer optimizer; // null where parameters are saved alone
  private final Parameters parameters;
  private final Backend backend;
  private final List<Tensor> onHost = new ArrayList<>();
  private final List<Tensor> copied = new ArrayList<>();
  private Map<String, String> texts; // null until it is taken

  /** Uses the arena: {@link #take} copies device memory, and for a copy host memory too. */
  public CheckpointSnapshot(Optimizer optimizer, TensorArena arena, boolean isCopy) {
    this(optimizer, optimizer.parameters(), optimizer.backend(), arena, isCopy);
  }

  /** Takes snapshots of parameters without an optimizer. */
  public CheckpointSnapshot(
      Parameters parameters, Backend backend, TensorArena arena, boolean isCopy) {
    this(null, parameters, backend, arena, isCopy);
  }

  private CheckpointSnapshot(
      Optimizer optimizer,
      Parameters parameters,
      Backend backend,
      TensorArena arena,
      boolean isCopy) {
    this.optimizer = optimizer;
    this.parameters = parameters;
    this.backend = backend;
    Map<String, Tensor> tensors =
        optimizer == null ? Checkpoint.tensors(parameters) : Checkpoint.tensors(optimizer);
    tensors.forEach(
        (name, tensor) -> {
          Tensor kept = tensor.named(name);
          if (isCopy || !tensor.isHost()) {
            kept = arena.allocate(name, tensor.dtype(), tensor.shape());
            copied.addAll(List.of(tensor, kept));
          }
          onHost.add(kept);
        });
  }

  /** Makes it what parameters and optimizer are now; if that throws, nothing can be written. */
  public void take() throws IOException {
    texts = null;
    boolean isAlone = optimizer == null;
    Map<String, String> now =
        isAlone ? Checkpoint.identity(parameters) : Checkpoint.identity(optimizer);
    if (!isAlone) {
      now.put(Checkpoint.STEPS, Long.toString(optimizer.steps()));
      now.put(Checkpoint.SKIPPED, Long.toString(optimizer.skippedSteps()));
      now.put(Checkpoint.RATE_FACTOR, Double.toHexString(optimizer.rateFactor()));
    }
    for (int i = 0; i < copied.size(); i += 2) {
      backend.copy(copied.get(i), copied.get(i + 1));
    }
    texts = now;
  }

  /**
   * Writes what was taken in place of what was there, and fsyncs it; if that throws anything but
   * {@link dev.panagrad.safetensors.NotDurableException}, what was there still is.
   *
   * @param more texts of the caller, under names of their own
   * @param others host tensors of the caller, whose names begin with {@value Checkpoint#OTHERS}
   */
  public void write(Path file, Map<String, String> more, List<Tensor> others) throws IOException {
    if (texts == null) {
      throw new IllegalStateException(
          "no snapshot of the optimizer was taken: there is none to write");
    }
    Map<String, String> all = new LinkedHashMap<>(texts);
    more.forEach(
        (key, text) -> {
          if (all.put(key, text) != null) {
            throw new IllegalArgumentException("checkpoints have a '" + key + "' of their own");
          }
        });
    List<Tensor> written = new ArrayList<>(onHost);
    for (Tensor other : others) {
      if (!other.name().startsWith(Checkpoint.OTHERS)) {
        throw new IllegalArgumentException(
            "tensors of the caller begin with '%s', found '%s'"
                .formatted(Checkpoint.OTHERS, other.name()));
      }
      written.add(other);
    }
    SafetensorsWriter.write(file, all, written);
  }
}
