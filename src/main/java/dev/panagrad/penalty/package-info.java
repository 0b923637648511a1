/**
 * Penalties on the parameters: what is added to the loss, and how a step honors it. An L2 term is
 * differentiable and enters the gradient; an L1 term is not, and enters by its proximal map, which
 * gives exact zeros.
 */
package dev.panagrad.penalty;
