package dev.panagrad.backend.cuda;

import dev.panagrad.backend.cuda.bindings.CudaBindings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;

/** What the driver says before a device is opened: its version, its symbols, and the devices. */
final class CudaDevices {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final int NAME_BYTES = 256;

  private CudaDevices() {}

  /** Compute capability is {@code major.minor}; pools allocate in the order of a stream. */
  record DeviceFacts(String name, int major, int minor, long bytes, boolean hasPools) {}

  static void requireSymbols(Path library) {
    requireSymbols(CudaBindings.class, library);
  }

  /**
   * Looks every symbol up, so that a missing one is known now and not in a step: each function of
   * generated bindings has a method with this suffix that does. Throws {@link UnsatisfiedLinkError}
   * naming the symbol and the library.
   */
  static void requireSymbols(Class<?> bindings, Path library) {
    for (Method method : bindings.getMethods()) {
      if (method.getName().endsWith("$address")) {
        try {
          method.invoke(null);
        } catch (InvocationTargetException | IllegalAccessException e) {
          String symbol = method.getName().substring(0, method.getName().indexOf('$'));
          UnsatisfiedLinkError error =
              new UnsatisfiedLinkError(library + " has no symbol " + symbol);
          error.initCause(e);
          throw error;
        }
      }
    }
  }

  /** The CUDA version that the driver supports, as 1000 * major + 10 * minor. */
  static int version() {
    try (Arena temporary = Arena.ofConfined()) {
      MemorySegment result = temporary.allocate(INT);
      CudaStatus.require(CudaBindings.cuDriverGetVersion(result), "cuDriverGetVersion", "");
      return result.get(INT, 0);
    }
  }

  /**
   * How many devices the process can see; starts the driver. Throws {@link DeviceException} with
   * the driver's reason if it does not start.
   */
  static int devices() {
    try (Arena temporary = Arena.ofConfined()) {
      int code = CudaBindings.cuInit(0);
      if (code == CudaBindings.CUDA_ERROR_NO_DEVICE()) {
        return 0;
      }
      CudaStatus.require(code, "cuInit", "");
      MemorySegment result = temporary.allocate(INT);
      CudaStatus.require(CudaBindings.cuDeviceGetCount(result), "cuDeviceGetCount", "");
      return result.get(INT, 0);
    }
  }

  static DeviceFacts facts(int ordinal) {
    try (Arena temporary = Arena.ofConfined()) {
      MemorySegment result = temporary.allocate(LONG);
      int device = handle(ordinal, result);
      MemorySegment name = temporary.allocate(NAME_BYTES);
      CudaStatus.require(
          CudaBindings.cuDeviceGetName(name, NAME_BYTES, device), "cuDeviceGetName", "");
      CudaStatus.require(CudaBindings.cuDeviceTotalMem_v2(result, device), "cuDeviceTotalMem", "");
      long bytes = result.get(LONG, 0);
      return new DeviceFacts(
          name.getString(0),
          attribute(CudaBindings.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR(), device, result),
          attribute(CudaBindings.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR(), device, result),
          bytes,
          attribute(CudaBindings.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED(), device, result)
              != 0);
    }
  }

  /** The driver's number for a device, by its index. */
  static int handle(int ordinal, MemorySegment result) {
    CudaStatus.require(
        CudaBindings.cuDeviceGet(result, ordinal), "cuDeviceGet", "device " + ordinal);
    return result.get(INT, 0);
  }

  private static int attribute(int attribute, int device, MemorySegment result) {
    CudaStatus.require(
        CudaBindings.cuDeviceGetAttribute(result, attribute, device),
        "cuDeviceGetAttribute",
        "attribute " + attribute);
    return result.get(INT, 0);
  }
}
