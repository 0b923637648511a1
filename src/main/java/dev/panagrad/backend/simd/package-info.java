/**
 * The Vector API backend: fused optimizer steps, one-pass gradient, and level 1 to 3 kernels over
 * native memory, at the widest vector the machine prefers or the width in the property {@code
 * panagrad.simd.bits} (on x86, F64 has 256 bits at least).
 *
 * <p>Rules of this package:
 *
 * <ul>
 *   <li>Classes ending in {@code F64} are generated from those ending in {@code F32} by exchanging
 *       type names: {@code src/main/variants}. {@code LanesF32} and {@code LanesF64} are the only
 *       pair written by hand: they hold what differs.
 *   <li>A rule has a loop for each of its options: one that asks would be compiled with all.
 *   <li>Nothing outside this package names a class of {@code jdk.incubator.vector}, and {@code
 *       SimdProvider} names none either: it decides from VM facts whether the others may be loaded.
 *   <li>No method takes or returns a vector, however small; a test reads the class files. The
 *       compiler must inline the Vector API's own methods, but refuses to inline a helper at a call
 *       site that its profile calls cold once that helper has been compiled on its own ("already
 *       compiled into a medium method"), and then every vector that crosses the call is an object:
 *       96 bytes each, for the rest of the process, and only in processes that ran small and large
 *       sizes in an unlucky order. A test asserts zero bytes allocated per step.
 *   <li>Vectors of one element type have one width. What a load gives has no exact class until the
 *       compiler is nearly done, and which class's operation is called it takes from a profile that
 *       all code of the process shares: after vectors of two widths, an operation is two, the value
 *       comes from either, and in some compilations it stays an object. Rows of four floats, packed
 *       with vectors of 128 bits beside the others of 256, were objects for good in some processes,
 *       48 bytes each.
 *   <li>Lanes are added by halves and not by {@code reduceLanes}, whose order the interpreter and
 *       the compiler choose differently: a sum would depend on how warm the process is.
 *   <li>The main loop is unmasked. What is left over is copied into a padded buffer and goes
 *       through the same loop (in steps), or is read whole and cut off in registers (in row
 *       kernels), so that an element's bits do not depend on its row or position. No masked memory
 *       access: on JDK 25 it boxes its mask, 400 bytes per row when it was tried.
 *   <li>A short loop over vectors is either in a method too large to be inlined (325 bytecodes), or
 *       over elements: inlined into a large caller it exceeds the compiler's budget, and boxes.
 *   <li>No vector is reinterpreted as one of another type: {@code Bf16Update} says what that does
 *       to all other kernels. Types are changed through memory.
 * </ul>
 *
 * <p>What decides the speed of a row kernel in the cache are the checks of bounds at each access,
 * three of some seven instructions per vector: they fill the processor's window, and loops wait for
 * the latency of a row's reduction. They are kept, because they, and the check of liveness that is
 * hoisted out of loops, are what makes it safe to close memory while another thread computes.
 *
 * <p>Tried and not kept; times are from trials beside this code, on a 2-core AVX-512 x86 with JDK
 * 25.0.3, 2026-11-24:
 *
 * <ul>
 *   <li>Huge pages, by {@code madvise} with HUGEPAGE and COLLAPSE: 1,000,000 x 64 in random order
 *       59 to 52 ms with one thread, 25.6 to 25.9 with two; in order no difference beyond the
 *       noise.
 *   <li>Reading a byte of each cache line of the next block in advance, for rows in random order:
 *       59 to 99 ms.
 *   <li>Newton's iteration instead of the division in Adam: 315 to 395 ns for 1,024 parameters.
 *   <li>One segment over all of memory, to be rid of the checks of liveness: no difference, for the
 *       checks of bounds stay.
 *   <li>8-bit state, of which 256 parameters of Adam take 125 ns in the cache (F32 38, BF16 75; 83
 *       of them in the rule's loop, 42 for encoding): encoding in the rule's loop by the block's
 *       previous scale, and again where that is not good, 161; encoding the block before in it,
 *       168; and from memory, reading a byte of each cache line of parameters and gradient up to 16
 *       blocks ahead while encoding: no difference beyond the noise.
 *   <li>Decoding, the rule's loop and encoding as loops of their own over 256 to 4,096 elements:
 *       Adam in BF16 from memory 510 to 800 ns per 1,024 parameters, in one loop 400.
 *   <li>Dot products and sums of narrow rows in one loop, four rows at a time: 1.3 to 1.6 us for
 *       256 x 64. Two at a time is what {@link FusedRowsF32} does.
 *   <li>Rows one after the other in dot products: better than four neighbors at 512 columns, worse
 *       than four streams everywhere.
 * </ul>
 *
 * <p>Kept: tensors that begin at different places of a page took an Adam step of 32,768 parameters
 * from 15.7 to 9.3 us ({@link dev.panagrad.tensor.TensorArena}).
 */
package dev.panagrad.backend.simd;
