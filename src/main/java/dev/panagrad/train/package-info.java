/**
 * The training loop: batches, epochs, stopping, history, and the result in raw units. Once warm, a
 * step allocates nothing on the heap and copies no data; in Gram mode it reads none.
 */
package dev.panagrad.train;
