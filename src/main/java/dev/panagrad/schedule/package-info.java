/**
 * Learning-rate schedules: pure functions of the optimizer step. There is nothing to save and
 * nothing to restore; the rate after a resume follows from the step count alone.
 */
package dev.panagrad.schedule;
