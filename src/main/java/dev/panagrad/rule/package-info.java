/**
 * Update rules: the mathematics of an optimizer step, one file each. A rule's scalar definition is
 * documentation, fallback and test oracle at once; a backend may fuse it into a kernel.
 *
 * <p>What every rule shares happens in this order, as in PyTorch: the gradient is negated to
 * maximize, scaled to clip its global norm, clamped to clip its values; coupled weight decay adds a
 * multiple of the parameter to it; the rule updates its state and moves the parameter; decoupled
 * decay shrinks the parameter; an L1 penalty is applied last, by its proximal map, so that zeros
 * are exact.
 */
package dev.panagrad.rule;
