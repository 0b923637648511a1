package dev.panagrad.train;

/**
 * What a pass over a stream of mini-batches did.
 *
 * @param steps optimizer steps made
 * @param skippedSteps steps skipped because their gradient was not finite
 * @param meanLoss mean over these rows of the squared error before the step of their batch,
 *     averaged over targets, in raw units; NaN if there were none. Rows that were not yet trained
 *     on: an estimate of the error on new ones
 */
public record StreamResult(
    long batches, long steps, long skippedSteps, long rows, double meanLoss) {}
