package dev.panagrad.backend.cuda;

import java.lang.foreign.MemorySegment;

/** A kernel of a loaded module: its name in the source, and the driver's handle. */
record CudaKernel(String name, MemorySegment function) {}
