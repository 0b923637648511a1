/**
 * The command {@code ratios}: the same work done by this library and by others in one process, in
 * turns, checked against a reference in double precision.
 *
 * <p>{@link dev.panagrad.benchmark.ratio.Ratios} reads the options and lists the comparisons; the
 * classes named {@code ...Comparisons} say what is compared; those named {@code ...Peer} know how
 * to call another library; {@link dev.panagrad.benchmark.ratio.Comparison} measures.
 */
package dev.panagrad.benchmark.ratio;
