/**
 * Off-heap tensors: descriptors over native memory, and the arena that owns that memory. This
 * package knows nothing else of the engine.
 *
 * <p>Decisions that are not obvious from the code:
 *
 * <ul>
 *   <li><b>Alignment.</b> Memory that a {@link dev.panagrad.tensor.TensorArena} allocates starts on
 *       a 64-byte boundary. Memory that a caller wraps must be aligned to its element only: a
 *       direct {@code ByteBuffer} or an Arrow column is rarely 64-byte aligned, and a row view of
 *       any matrix is not either, so every kernel has to accept element alignment anyway. Refusing
 *       the caller's memory would only force a copy.
 *   <li><b>Native segments only.</b> Heap segments are refused: one kernel method that meets heap
 *       and native segments loses an order of magnitude (JDK-8256477, JDK-8279527). A mapped file
 *       keeps its own segment class; native and mapped are two, which the compiler still inlines,
 *       and re-wrapping them would need a restricted method.
 *   <li><b>No automatic arenas.</b> A {@code TensorArena} is closed by its owner. One that is
 *       dropped without being closed is reported by name, not freed: memory never disappears behind
 *       somebody's segment.
 * </ul>
 */
package dev.panagrad.tensor;
