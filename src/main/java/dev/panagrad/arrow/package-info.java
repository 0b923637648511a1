/**
 * Columns of other programs in this process as tensors, without a copy: Arrow's C data interface,
 * by which PyArrow, DuckDB, Polars and Arrow's Java library hand over memory. No library is needed.
 * Pointers are believed: this is memory that the process shares with whoever made it.
 *
 * <p>Source: Arrow columnar format 1.5, "The Arrow C data interface" and "The Arrow C stream
 * interface".
 */
package dev.panagrad.arrow;
