/**
 * Data: files read straight into native memory, and the order in which rows are visited. Shuffling
 * permutes row numbers, never rows: gradient kernels read the rows where they are.
 */
package dev.panagrad.data;
