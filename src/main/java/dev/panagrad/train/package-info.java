/**
 * The training loop: batches, epochs, stopping, history, checkpoints, and the result in raw units;
 * and training on rows as they arrive. Once warm, a step allocates nothing on the heap and copies
 * no data; in Gram mode it reads none. Losses of batches are written where the backend computes,
 * and read back once an epoch, or every 64 batches, so that a device is not waited for in each
 * step.
 *
 * <p>A training's position is a few counters. Row order is a function of seed and epoch, and the
 * learning rate of the step number, so a checkpoint stores neither. A schedule can only be compared
 * by its rates, which {@code Fingerprint} does.
 *
 * <p>Rows of a training file are standardized when it is written: they are mapped read-only, and
 * folding means into every gradient would lose digits where means are large.
 */
package dev.panagrad.train;
