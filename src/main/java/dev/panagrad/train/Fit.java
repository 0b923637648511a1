package dev.panagrad.train;

import dev.panagrad.regression.LinearModel;

/** What is fitted; the start is null for zeros. */
record Fit(
    boolean hasIntercept,
    boolean isStandardized,
    boolean isCertified,
    boolean keepsBest,
    LinearModel start) {}
