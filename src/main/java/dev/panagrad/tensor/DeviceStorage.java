package dev.panagrad.tensor;

/**
 * Stands for memory of a device. A backend that has its own memory extends this class with whatever
 * handle its device needs; the rest of the engine sees a size, a name and a liveness check, and no
 * way to reach the bytes.
 */
public abstract non-sealed class DeviceStorage implements Storage {
  private final String deviceName;
  private final long bytes;

  /** Describes memory of that size on a device that messages name by this. */
  protected DeviceStorage(String deviceName, long bytes) {
    this.deviceName = deviceName;
    this.bytes = bytes;
  }

  /** Returns the device, as a person would recognize it. */
  public final String deviceName() {
    return deviceName;
  }

  @Override
  public final long bytes() {
    return bytes;
  }
}
