package dev.panagrad.train.checkpoint;

import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.safetensors.IoReason;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/** Writes the checkpoints of one training when they are due, here or on a thread of its own. */
public final class CheckpointWriter implements AutoCloseable {
  private static final Logger LOG = System.getLogger(CheckpointWriter.class.getName());

  /** What a training says of itself when a checkpoint is written. */
  public record State(long steps, long batches, Map<String, String> texts) {}

  private final CheckpointPlan plan;
  private final CheckpointFolder folder;
  private final Map<String, String> identity;
  private final CheckpointSnapshot snapshot;
  private final ExecutorService background;

  private Future<?> underWay;
  private long stepsAtLast;
  private long timeOfLast = System.nanoTime();
  private volatile long batchesWritten = -1;
  private volatile String failure;

  public CheckpointWriter(
      CheckpointPlan plan,
      CheckpointFolder folder,
      Map<String, String> identity,
      CheckpointSnapshot snapshot) {
    this.plan = plan;
    this.folder = folder;
    this.identity = identity;
    this.snapshot = snapshot;
    background =
        plan.inBackground()
            ? Executors.newSingleThreadExecutor(
                task -> Thread.ofPlatform().name("panagrad-checkpoint").daemon().unstarted(task))
            : null;
  }

  public boolean isDue(long steps) {
    boolean enough = plan.everySteps() > 0 && steps - stepsAtLast >= plan.everySteps();
    boolean late = plan.every() != null && System.nanoTime() - timeOfLast >= plan.every().toNanos();
    return (enough || late) && (underWay == null || underWay.isDone());
  }

  /** The training has just gone on from a checkpoint of that many steps and batches. */
  public void resumedAt(long steps, long batches) {
    stepsAtLast = steps;
    batchesWritten = batches;
  }

  /** Writes one, or begins to, with the copies of tensors that the function makes. */
  public void write(State state, Function<TensorArena, List<Tensor>> tensors) {
    await();
    stepsAtLast = state.steps();
    timeOfLast = System.nanoTime();
    try {
      snapshot.take();
    } catch (IOException e) {
      failed(e);
      return;
    }
    Map<String, String> texts = new LinkedHashMap<>(identity);
    texts.putAll(state.texts());
    // Its own, so that it may be closed where it is written.
    TensorArena arena = TensorArena.open("training progress");
    List<Tensor> copies = tensors.apply(arena);
    Runnable task = () -> write(state.batches(), texts, copies, arena);
    if (background == null) {
      task.run();
    } else {
      underWay = background.submit(task);
    }
  }

  public void writeLast(State state, Function<TensorArena, List<Tensor>> tensors) {
    await();
    if (batchesWritten != state.batches() || failure != null) {
      write(state, tensors);
      await();
    }
  }

  private void write(
      long batches, Map<String, String> texts, List<Tensor> tensors, TensorArena arena) {
    // Channels close where their thread is interrupted.
    boolean isInterrupted = Thread.interrupted();
    try (arena) {
      folder.requireHeld();
      snapshot.write(folder.file(batches), texts, tensors);
      batchesWritten = batches;
      failure = null;
      folder.keep(plan.keep(), batches);
    } catch (IOException | RuntimeException e) {
      failed(e);
    } finally {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
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
  public String failure() {
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
