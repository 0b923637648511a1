/**
 * The optimizer: binds a rule, a schedule and a penalty to parameters on a backend. It is usable
 * without any regression: parameters and gradients are tensors of the caller's own model.
 */
package dev.panagrad.optimizer;
