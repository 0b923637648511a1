package dev.panagrad.backend.cuda;

import java.lang.foreign.MemorySegment;

/**
 * A kernel of a loaded module.
 *
 * @param name as in the source, {@code adam_step_f32}
 * @param function the driver's handle
 */
record CudaKernel(String name, MemorySegment function) {}
