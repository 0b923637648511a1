/** Tensors of a safetensors file as columns. */
package dev.panagrad.data.safetensors;
