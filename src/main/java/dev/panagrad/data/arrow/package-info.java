/**
 * Apache Arrow's files (also called Feather, version 2) and streams; which of the two a file is,
 * its first bytes say. The library arrow-format reads what describes the columns. The columns
 * themselves are read where the file is mapped, each number within bounds that were checked;
 * compressed ones through a window, by commons-compress (LZ4) and zstd-jni (Zstandard). Memory:
 * what describes a batch, and 64 KiB; compression adds its window, of at most 128 MiB for Zstandard
 * and 4 MiB for LZ4. Nothing is kept open between calls.
 */
package dev.panagrad.data.arrow;
