/**
 * The Vector API backend: fused optimizer steps, one-pass gradient, and level 1 to 3 kernels over
 * native memory, at the widest vector the machine prefers or the width in the property {@code
 * panagrad.simd.bits} (on x86, F64 has 256 bits at least).
 *
 * <p>Rules of this package:
 *
 * <ul>
 *   <li>Classes ending in {@code F64} are generated from their {@code F32} twins by exchanging type
 *       names; a test fails if one was edited alone. {@code LanesF32} and {@code LanesF64} are the
 *       only pair written by hand: they hold what differs.
 *   <li>Nothing outside this package names a class of {@code jdk.incubator.vector}, and {@code
 *       SimdProvider} names none either: it decides from VM facts whether the others may be loaded.
 *   <li>No method takes or returns a vector, however small; a test reads the class files. The
 *       compiler must inline the Vector API's own methods, but refuses to inline a helper at a call
 *       site that its profile calls cold once that helper has been compiled on its own ("already
 *       compiled into a medium method"), and then every vector that crosses the call is an object:
 *       96 bytes each, for the rest of the process, and only in processes that ran small and large
 *       sizes in an unlucky order. A test asserts zero bytes allocated per step.
 *   <li>Lanes are added by halves and not by {@code reduceLanes}, whose order the interpreter and
 *       the compiler choose differently: a sum would depend on how warm the process is.
 *   <li>The main loop is unmasked. What is left over is copied into a padded buffer and goes
 *       through the same loop (in steps), or is read whole and cut off in registers (in row
 *       kernels), so that an element's bits do not depend on its position. No masked memory access:
 *       on JDK 25 it boxes its mask, 400 bytes per row when it was tried.
 * </ul>
 */
package dev.panagrad.backend.simd;
