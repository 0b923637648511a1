package dev.panagrad.rule;

/**
 * What is known of a training before it starts, for {@link UpdateRule#automaticRate}.
 *
 * @param largestCurvature L, the largest eigenvalue of the Hessian of loss and L2 penalty
 * @param batchCurvature the expected smoothness of gradients of batches, between L and the largest
 *     curvature of a single row's loss
 * @param distance an estimate of the largest parameter at the minimum, when starting at zero
 * @param steps that the training will make
 */
public record RateContext(
    double largestCurvature, double batchCurvature, double distance, long steps) {}
