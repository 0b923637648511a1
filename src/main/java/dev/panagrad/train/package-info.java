/**
 * The training loop: batches, epochs, stopping, history, and the result in raw units; and training
 * on rows as they arrive. Once warm, a step allocates nothing on the heap and copies no data; in
 * Gram mode it reads none. Losses of batches are written where the backend computes, and read back
 * once an epoch, or every 64 batches, so that a device is not waited for in each step.
 */
package dev.panagrad.train;
