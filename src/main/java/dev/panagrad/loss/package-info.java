/**
 * What a prediction costs: a loss is one file with its value, its derivative and the mean that it
 * predicts. Kernels hand over a block of rows at a time, so that a loss costs one call per block.
 */
package dev.panagrad.loss;
