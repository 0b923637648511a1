/**
 * Linear regression: the trainable parameters and their loss on a backend, standardization, the
 * fitted model in raw units and how a service predicts with it, gradients by the normal equations
 * for rows that do not change, and the exact least-squares answer that a training is measured
 * against.
 */
package dev.panagrad.regression;
