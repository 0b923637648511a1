package dev.panagrad.safetensors;

import java.util.List;

/**
 * A tensor's place in a file.
 *
 * @param dtype as the file names it
 * @param extents of its shape
 * @param begin first byte, from the first of all tensors
 * @param end byte after the last
 */
record TensorPlace(String dtype, List<Long> extents, long begin, long end) {}
