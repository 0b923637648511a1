package dev.panagrad.backend.cuda;

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
      Set.of(4, 214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 999);

  private CudaStatus() {}

  static boolean isSticky(int code) {
    return STICKY.contains(code);
  }
}
