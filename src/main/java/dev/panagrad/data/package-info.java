/**
 * Data: files read straight into native memory, and the order in which rows are visited. Shuffling
 * permutes row numbers, never rows: gradient kernels read the rows where they are.
 *
 * <p>A {@link dev.panagrad.data.Table} hands over cells in whatever order its file has them, so
 * that formats by row and by column are one interface, and the same reader fills tensors or another
 * file.
 */
package dev.panagrad.data;
