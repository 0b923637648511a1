/**
 * Data: files read straight into native memory, and the order in which rows are visited. Shuffling
 * permutes row numbers, never rows: gradient kernels read the rows where they are.
 *
 * <p>A {@link dev.panagrad.data.Table} hands over cells in whatever order its file has them, so
 * that formats by row and by column are one interface, and the same reader fills tensors or another
 * file. Each format is a folder below, known to {@link dev.panagrad.data.TableFile} alone; {@code
 * file} has what they share. A file is believed in nothing: lengths, shapes and sizes are compared
 * with the file before anything is allocated, and reading takes a window of memory, whatever the
 * file says. What is wrong is a {@link dev.panagrad.data.DataException} with its place.
 */
package dev.panagrad.data;
