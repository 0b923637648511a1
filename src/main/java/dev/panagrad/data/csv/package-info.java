/** Comma-separated values. */
package dev.panagrad.data.csv;
