package dev.panagrad.cli;

import java.util.concurrent.CountDownLatch;

/**
 * Ctrl-C or a signal to terminate: asks a training to stop, and holds the end of the process until
 * its last checkpoint is written and its result printed.
 */
final class StopSignal implements AutoCloseable {
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::hold, "panagrad-stop");
  private volatile boolean requested;

  private StopSignal() {}

  /** Listens until it is closed. */
  static StopSignal listen() {
    StopSignal signal = new StopSignal();
    Runtime.getRuntime().addShutdownHook(signal.hook);
    return signal;
  }

  private void hold() {
    requested = true;
    try {
      done.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  boolean isRequested() {
    return requested;
  }

  @Override
  public void close() {
    System.out.flush();
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending, by this hook.
      requested = true;
    }
  }
}
