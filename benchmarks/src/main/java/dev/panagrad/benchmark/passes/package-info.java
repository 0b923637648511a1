/** How many passes over the rows methods take to the same gap. */
package dev.panagrad.benchmark.passes;
