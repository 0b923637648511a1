package dev.panagrad.train.checkpoint;

import java.nio.file.Path;
import java.time.Duration;

/** {@code dev.panagrad.train.Checkpoints}, with 0 steps and null for the time that are not set. */
public record CheckpointPlan(
    Path folder, long everySteps, Duration every, int keep, boolean inBackground) {}
