/**
 * The GPU ratios: the backend {@code cuda} beside PyTorch on the same device, and beside the rate
 * at which the device copies and reads its own memory.
 *
 * <p>{@link dev.panagrad.benchmark.gpu.GpuRatios} reads the options and lists the comparisons; the
 * classes named {@code ...Comparison} say what is compared; {@link
 * dev.panagrad.benchmark.ratio.Comparison} measures, as for the ratios on the CPU. PyTorch is a
 * process of Python that does the same work when its turn comes.
 */
package dev.panagrad.benchmark.gpu;
