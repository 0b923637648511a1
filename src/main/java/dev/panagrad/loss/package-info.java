/**
 * A loss says what a prediction costs, and is one file; {@link dev.panagrad.loss.Losses} lists
 * those that texts name. Kernels hand over blocks of rows, so that a loss costs a call per block.
 */
package dev.panagrad.loss;
