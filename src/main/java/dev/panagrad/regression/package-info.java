/**
 * Linear regression: the trainable parameters and their loss on a backend, standardization, the
 * fitted model and how a service predicts with it, normal equations, and the exact answer.
 */
package dev.panagrad.regression;
