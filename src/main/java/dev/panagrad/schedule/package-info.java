/** Learning-rate schedules: pure functions of the optimizer step, with nothing to save. */
package dev.panagrad.schedule;
