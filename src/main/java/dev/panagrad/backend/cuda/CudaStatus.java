package dev.panagrad.backend.cuda;

import dev.panagrad.backend.DeviceException;
import dev.panagrad.backend.cuda.bindings.CudaBindings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;

/**
 * What a driver's return code means beyond its name.
 *
 * <p>Source: NVIDIA, CUDA Driver API, section Data types used by CUDA driver, {@code CUresult}.
 */
final class CudaStatus {
  static final int SUCCESS = 0;
  static final int OUT_OF_MEMORY = 2;

  /**
   * Codes after which the context is unusable: "the process must be terminated and relaunched".
   * Among them 700 illegal address, 702 launch timeout, 714 hardware stack error, 715 illegal
   * instruction, 716 misaligned address, 717 invalid address space, 718 invalid program counter,
   * 719 launch failed.
   */
  private static final Set<Integer> STICKY =
      Set.of(4, 214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 810, 999);

  private CudaStatus() {}

  static boolean isSticky(int code) {
    return STICKY.contains(code);
  }

  /** Throws unless a call succeeded, before a device is opened. */
  static void require(int code, String call, String sizes) {
    if (code != SUCCESS) {
      throw new DeviceException(describe(code, call, sizes), isSticky(code), null);
    }
  }

  /** A failure in words: the call, its sizes, the driver's name and explanation. */
  static String describe(int code, String call, String sizes) {
    String name = "error " + code;
    String words = "";
    try (Arena temporary = Arena.ofConfined()) {
      MemorySegment text = temporary.allocate(ValueLayout.ADDRESS);
      if (CudaBindings.cuGetErrorName(code, text) == SUCCESS) {
        name = string(text) + " (" + code + ")";
      }
      if (CudaBindings.cuGetErrorString(code, text) == SUCCESS) {
        words = ": " + string(text);
      }
    }
    return "CUDA call %s%s failed with %s%s"
        .formatted(call, sizes.isEmpty() ? "" : " (" + sizes + ")", name, words);
  }

  /** The driver's constant strings; no longer than this by far. */
  @SuppressWarnings("restricted")
  private static String string(MemorySegment pointer) {
    return pointer.get(ValueLayout.ADDRESS, 0).reinterpret(1024).getString(0);
  }
}
