/**
 * What a prediction costs: a loss is one file; {@link dev.panagrad.loss.Losses} lists those that
 * texts name. Kernels hand over a block of rows at a time, so that a loss costs a call per block.
 */
package dev.panagrad.loss;
