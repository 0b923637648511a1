package dev.panagrad.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What the software CUDA device offers to tests beyond the driver's functions: counters and faults
 * ({@code native/cudasim/README.md}). Absent where the tests run on a GPU.
 */
final class SoftwareDevice {
  private static final String LIBRARY = CudaLibraries.named(CudaLibraries.DRIVER);
  private static final SymbolLookup SYMBOLS = lookup();

  private SoftwareDevice() {}

  @SuppressWarnings("restricted")
  private static SymbolLookup lookup() {
    Path library = Path.of(LIBRARY);
    return Files.isRegularFile(library)
        ? SymbolLookup.libraryLookup(library, Arena.global())
        : _ -> Optional.empty();
  }

  /** Whether the tests run on it. */
  static boolean isPresent() {
    return SYMBOLS.find("cudasim_is_software_device").isPresent();
  }

  /** Calls of a driver function since {@link #resetCounts}, or one of the device's own counters. */
  static long count(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle count =
          handle(
              "cudasim_count", FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
      return (long) count.invokeExact(arena.allocateFrom(name));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  static void resetCounts() {
    call("cudasim_reset_counts");
  }

  /** Ends all faults, and what they left behind in the device. */
  static void reset() {
    call("cudasim_reset");
  }

  /** That many bytes are the memory of the device. */
  static void setMemory(long bytes) {
    call("cudasim_set_memory", bytes);
  }

  /** The k-th allocation from now finds no memory. */
  static void failAllocation(long k) {
    call("cudasim_fail_allocation", k);
  }

  /** The k-th kernel from now fails when it is executed, which a later call is told. */
  static void failExecution(long k) {
    call("cudasim_fail_execution", k);
  }

  /** The k-th launch from now returns that code. */
  static void failLaunch(long k, int code) {
    try {
      MethodHandle fail =
          handle(
              "cudasim_fail_launch",
              FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
      fail.invokeExact(k, code);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** The k-th call of that function from now returns that code. */
  static void failCall(String name, long k, int code) {
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle fail =
          handle(
              "cudasim_fail_call",
              FunctionDescriptor.ofVoid(
                  ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
      fail.invokeExact(arena.allocateFrom(name), k, code);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Whether locking pages of host memory is refused. */
  static void refuseRegister(boolean refuse) {
    try {
      MethodHandle set =
          handle("cudasim_refuse_register", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
      set.invokeExact(refuse ? 1 : 0);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static void call(String name) {
    try {
      handle(name, FunctionDescriptor.ofVoid()).invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static void call(String name, long number) {
    try {
      handle(name, FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG)).invokeExact(number);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    MemorySegment symbol = SYMBOLS.find(name).orElseThrow();
    return Linker.nativeLinker().downcallHandle(symbol, descriptor);
  }
}
