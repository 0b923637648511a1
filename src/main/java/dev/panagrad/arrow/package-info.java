/**
 * Columns of other programs in this process as tensors, without a copy and without a library:
 * Arrow's C data interface, by which PyArrow, DuckDB, Polars and Arrow's Java library hand over
 * memory. Pointers are believed: the process shares this memory with whoever made it. Source: Arrow
 * columnar format 1.5, "The Arrow C data interface" and "The Arrow C stream interface".
 */
package dev.panagrad.arrow;
