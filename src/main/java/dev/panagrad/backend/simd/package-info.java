/**
 * The Vector API backend: fused optimizer steps, one-pass gradient, and level 1 to 3 kernels over
 * native memory, at the widest vector the machine prefers or the width in the property {@code
 * panagrad.simd.bits}.
 *
 * <p>Rules of this package:
 *
 * <ul>
 *   <li>Classes ending in {@code F64} are generated from their {@code F32} twins by exchanging type
 *       names; a test fails if one was edited alone. {@code LanesF32} and {@code LanesF64} are the
 *       only pair written by hand: they hold what differs.
 *   <li>Nothing outside this package names a class of {@code jdk.incubator.vector}, and {@code
 *       SimdProvider} names none either: it decides from VM facts whether the others may be loaded.
 *   <li>Kernel bodies are small, static in effect, and free of calls that pass vectors, other than
 *       the one-line helpers of {@code Lanes}: a call that is not inlined boxes its vectors. A test
 *       asserts zero bytes allocated per step.
 *   <li>The main loop is unmasked. What is left over is copied into a padded buffer and goes
 *       through the same loop (in steps), or is read whole and cut off in registers (in row
 *       kernels), so that an element's bits do not depend on its position. No masked memory access:
 *       on JDK 25 it boxes its mask, 400 bytes per row when it was tried.
 * </ul>
 */
package dev.panagrad.backend.simd;
