package dev.panagrad.train.checkpoint;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Where and how often checkpoints are written.
 *
 * @param everySteps steps between two; 0 for none
 * @param every time between two, or null
 * @param keep how many are kept
 * @param inBackground whether they are written while training goes on
 */
public record CheckpointPlan(
    Path folder, long everySteps, Duration every, int keep, boolean inBackground) {}
