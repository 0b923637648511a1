/**
 * Penalties on the parameters. An L2 term is differentiable and enters the gradient; an L1 term
 * enters by its proximal map, which gives exact zeros.
 */
package dev.panagrad.penalty;
