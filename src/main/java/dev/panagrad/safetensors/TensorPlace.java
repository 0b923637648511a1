package dev.panagrad.safetensors;

import java.util.List;

/** A tensor's place in a file, in bytes from the first of all tensors. */
record TensorPlace(String dtype, List<Long> extents, long begin, long end) {}
