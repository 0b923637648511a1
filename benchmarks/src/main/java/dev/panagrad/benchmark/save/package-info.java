/** How fast a checkpoint is on the disk, beside {@code dd conv=fsync} of as many bytes. */
package dev.panagrad.benchmark.save;
