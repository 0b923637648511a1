/**
 * A file system whose calls fail where a test says so, and which knows what of it would be left
 * after the machine has stopped. Code under test is given its paths and runs as it is.
 */
package dev.panagrad.faults;
