package dev.panagrad.train;

import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.safetensors.IoReason;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Writes the checkpoints of one training when they are due, here or on a thread of its own. */
final class CheckpointWriter implements AutoCloseable {
  private static final Logger LOG = System.getLogger(CheckpointWriter.class.getName());

  private final Checkpoints options;
  private final CheckpointFolder folder;
  private final Map<String, String> identity;
  private final CheckpointSnapshot snapshot;
  private final ExecutorService background;

  private Future<?> underWay;
  private long stepsAtLast;
  private long timeOfLast = System.nanoTime();
  private volatile long batchesWritten = -1;
  private volatile String failure;

  /**
   * For one training.
   *
   * @param identity texts that make checkpoints of the same training recognizable
   * @param arena owner of the copies
   */
  CheckpointWriter(
      Checkpoints options,
      CheckpointFolder folder,
      Map<String, String> identity,
      Optimizer optimizer,
      TensorArena arena) {
    this.options = options;
    this.folder = folder;
    this.identity = identity;
    snapshot = new CheckpointSnapshot(optimizer, arena, options.inBackground);
    background =
        options.inBackground
            ? Executors.newSingleThreadExecutor(
                task -> Thread.ofPlatform().name("panagrad-checkpoint").daemon().unstarted(task))
            : null;
  }

  /** Whether one should be written after a step. */
  boolean isDue(long steps) {
    boolean enough = options.everySteps > 0 && steps - stepsAtLast >= options.everySteps;
    boolean late =
        options.every != null && System.nanoTime() - timeOfLast >= options.every.toNanos();
    return (enough || late) && (underWay == null || underWay.isDone());
  }

  /**
   * The newest checkpoint is of that many steps and batches: a training has just gone on from it.
   */
  void resumedAt(long steps, long batches) {
    stepsAtLast = steps;
    batchesWritten = batches;
  }

  /** Writes one, or begins to. */
  void write(long steps, TrainingProgress progress, double seconds) {
    await();
    stepsAtLast = steps;
    timeOfLast = System.nanoTime();
    try {
      snapshot.take();
    } catch (IOException e) {
      failed(e);
      return;
    }
    Map<String, String> texts = new LinkedHashMap<>(identity);
    texts.putAll(progress.texts(seconds));
    Path file = folder.file(progress.batches);
    // Its own, so that it may be closed where it is written.
    TensorArena arena = TensorArena.open("training progress");
    List<Tensor> tensors = progress.tensors(arena);
    long batches = progress.batches;
    Runnable task = () -> write(file, texts, tensors, arena, batches);
    if (background == null) {
      task.run();
    } else {
      underWay = background.submit(task);
    }
  }

  /** The last one, in the foreground; nothing if it is there already. */
  void writeLast(long steps, TrainingProgress progress, double seconds) {
    await();
    if (batchesWritten != progress.batches || failure != null) {
      write(steps, progress, seconds);
      await();
    }
  }

  private void write(
      Path file, Map<String, String> texts, List<Tensor> tensors, TensorArena arena, long batches) {
    try (arena) {
      folder.requireHeld();
      snapshot.write(file, texts, tensors);
      batchesWritten = batches;
      failure = null;
      folder.keep(options.keep, batches);
    } catch (IOException | RuntimeException e) {
      failed(e);
    }
  }

  private void failed(Exception e) {
    failure = e instanceof IOException io ? IoReason.of(io) : e.toString();
    LOG.log(
        Level.WARNING,
        "a checkpoint was not written, and training goes on; those before it are intact: "
            + failure);
  }

  private void await() {
    boolean isInterrupted = false;
    while (underWay != null) {
      try {
        underWay.get();
        underWay = null;
      } catch (InterruptedException e) {
        isInterrupted = true;
      } catch (ExecutionException e) {
        underWay = null;
        throw new IllegalStateException("a checkpoint failed", e.getCause());
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Why the last one that was tried is not there, or null. */
  String failure() {
    return failure;
  }

  @Override
  public void close() {
    if (background != null) {
      // What is being written is finished: it reads memory of the training.
      background.close();
    }
    folder.close();
  }
}
