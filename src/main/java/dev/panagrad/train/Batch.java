package dev.panagrad.train;

import dev.panagrad.tensor.Tensor;

/**
 * A mini-batch of a stream: features and targets of the same rows, in host memory.
 *
 * @param x features [rows, features], any row stride
 * @param y targets [rows, targets], or [rows] for one target; any row stride
 */
public record Batch(Tensor x, Tensor y) {}
