package dev.panagrad.cli;

import java.util.concurrent.CountDownLatch;

/**
 * Ctrl-C or a signal to terminate: asks a training to stop, and holds the end of the process until
 * its last checkpoint is written and what there is to say is said.
 */
final class StopSignal implements AutoCloseable {
  // Opens for all signals of this process once nothing is left to say.
  private static final CountDownLatch SAID = new CountDownLatch(1);

  private final Thread hook = new Thread(this::hold, "panagrad-stop");
  private volatile boolean requested;

  private StopSignal() {}

  static StopSignal listen() {
    StopSignal signal = new StopSignal();
    Runtime.getRuntime().addShutdownHook(signal.hook);
    return signal;
  }

  /** The last thing before the process ends by itself. */
  static void allIsSaid() {
    SAID.countDown();
  }

  private void hold() {
    requested = true;
    try {
      SAID.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  boolean isRequested() {
    return requested;
  }

  /** No longer listens; a process that is ending already waits for {@link #allIsSaid}. */
  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending, by this hook.
      requested = true;
    }
  }
}
