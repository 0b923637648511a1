/**
 * Readers are given bytes: those of the folders below {@code src/test/resources/fuzz} in every run
 * of the tests, and, with {@code mvn -Pfuzz verify}, those that Jazzer finds by the branches they
 * reach.
 *
 * <p>A reader is a class with {@code fuzzerTestOneInput(byte[])} and a line in {@link
 * dev.panagrad.fuzz.FuzzTargets}. What Jazzer finds is copied to the folder of its reader and is a
 * test from then on.
 */
package dev.panagrad.fuzz;
