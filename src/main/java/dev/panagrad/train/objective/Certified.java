package dev.panagrad.train.objective;

/**
 * What a {@link Certifier} found, in the terms of {@link dev.panagrad.train.Certificate}.
 *
 * @param gap NaN if no bound is known
 * @param basis what the bound rests on, or why there is none
 */
public record Certified(
    double objective,
    double gradientNorm,
    double gap,
    String basis,
    double largestCurvature,
    double smallestCurvature) {}
