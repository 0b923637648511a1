/**
 * What a prediction costs: a loss is one file with its value, its derivative, the mean that it
 * predicts, its text, and the measures of fit that are usual for it; {@link
 * dev.panagrad.loss.Losses} lists those that texts name. Kernels hand over a block of rows at a
 * time, so that a loss costs one call per block.
 */
package dev.panagrad.loss;
