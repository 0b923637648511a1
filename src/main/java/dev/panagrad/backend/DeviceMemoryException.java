package dev.panagrad.backend;

/**
 * A device has not enough memory for what was asked. Nothing has changed. The message has the bytes
 * asked for, what is free, and what this backend holds.
 */
public final class DeviceMemoryException extends DeviceException {
  private static final long serialVersionUID = 1;

  private final long bytes;

  /** Keeps the bytes that were asked for. */
  public DeviceMemoryException(String message, long bytes) {
    super(message, false, null);
    this.bytes = bytes;
  }

  /** Returns the bytes that were asked for. */
  public long bytes() {
    return bytes;
  }
}
