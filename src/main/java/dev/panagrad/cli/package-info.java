/** The command line: parses, calls {@code train}, prints. Nothing here computes. */
package dev.panagrad.cli;
