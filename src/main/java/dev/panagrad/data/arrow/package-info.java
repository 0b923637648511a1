/** Apache Arrow's files and streams, read where they are mapped. */
package dev.panagrad.data.arrow;
