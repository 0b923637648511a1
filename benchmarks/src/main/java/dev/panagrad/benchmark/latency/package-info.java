/**
 * The command {@code latency}: how long single calls take while the rest of the program makes
 * garbage.
 *
 * <p>{@link dev.panagrad.benchmark.latency.Latency} reads the options and prints the table; classes
 * named for the work do it; {@link dev.panagrad.benchmark.latency.Garbage} is the rest of the
 * program.
 */
package dev.panagrad.benchmark.latency;
