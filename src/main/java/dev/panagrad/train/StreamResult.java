package dev.panagrad.train;

/**
 * Says what a pass over a stream of mini-batches did.
 *
 * @param batches that were read, refused ones among them
 * @param steps optimizer steps made
 * @param skippedSteps steps skipped because their gradient was not finite
 * @param rows of the batches that were not refused
 * @param meanLoss mean over these rows of the loss before the step of their batch, averaged over
 *     targets, in raw units; NaN if there were none. Rows that were not yet trained on: an estimate
 *     of the error on new ones
 * @param refused batches that the guard refused
 * @param changes how often so many were refused that the stream has changed, and bounds with it
 */
public record StreamResult(
    long batches,
    long steps,
    long skippedSteps,
    long rows,
    double meanLoss,
    long refused,
    long changes) {}
