/** Arrays of NumPy: the header is parsed, never evaluated; elements come through a window. */
package dev.panagrad.data.npy;
