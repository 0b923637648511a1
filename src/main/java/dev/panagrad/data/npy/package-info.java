/**
 * Arrays of NumPy, one in a file or several in an archive: the header is parsed, never evaluated,
 * and elements are read through a window.
 */
package dev.panagrad.data.npy;
