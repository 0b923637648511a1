/** Lines of a label and {@code index:value} pairs, as LIBSVM and SVMlight read them. */
package dev.panagrad.data.libsvm;
