package dev.panagrad.backend;

/**
 * A call to a device failed. The message has the call, its sizes, and the device's own name and
 * words for the error.
 *
 * <p>If {@link #isLost}, the device does not recover within this process: the backend that threw
 * this refuses every later call with the first cause. Host tensors are as they were.
 */
public class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final boolean lost;

  /** Keeps the first cause, or null. */
  public DeviceException(String message, boolean lost, Throwable cause) {
    super(message, cause);
    this.lost = lost;
  }

  /** True if every later call to this device will fail too. */
  public final boolean isLost() {
    return lost;
  }
}
