/**
 * The seam between the mathematics and the machines: a provider that says whether it can run here,
 * a backend that is an opened device, and the two kernels of a training step, {@link
 * dev.panagrad.backend.LinearAlgebra#gradient} and {@link dev.panagrad.backend.StepKernel#apply}.
 *
 * <p>Decisions that are not obvious from the code:
 *
 * <ul>
 *   <li><b>Check in the skin, loop in the kernel.</b> {@link dev.panagrad.backend.LinearAlgebra}
 *       checks types, shapes, overlap, place and life of memory; {@link
 *       dev.panagrad.backend.LinearKernels}, which backends implement, checks nothing again but row
 *       numbers. No exported type hands out unchecked kernels.
 *   <li><b>Operands have names and are checked when they are made</b>: {@link
 *       dev.panagrad.backend.DenseRows}, {@link dev.panagrad.backend.Batch}, {@link
 *       dev.panagrad.backend.Linear}, {@link dev.panagrad.backend.Gradient}. A training makes them
 *       once; a step passes two numbers, allocates nothing, and checks what may have changed since:
 *       life and place of memory, the range, that operands fit each other, and overlap.
 *   <li><b>A row number is checked by the read that uses it</b>, since memory can change between
 *       two reads; no output is written before all rows have been read.
 *   <li><b>Batches are a range or a list of rows, not views.</b> {@code gradient} takes all rows
 *       and the positions to use: {@code [first, first + count)} of them, or of an index vector.
 *       Shuffled training then reads the rows where they are instead of gathering them first.
 *   <li><b>Weights are [outputs, features]</b>, as in PyTorch's Linear: each output's weights are
 *       contiguous, which is what one pass over the rows of X wants.
 *   <li><b>The loss is one number per output</b>, in F64, so that outputs of different scale can be
 *       reported in their own units.
 *   <li><b>A backend says where rows should lie.</b> {@link dev.panagrad.backend.Backend#placeRows}
 *       leaves them where they are, copies them to a device, or keeps them in host memory and
 *       uploads each batch: only the backend knows what fits. Operands are checked for their place
 *       before a kernel starts.
 *   <li><b>Clipping by norm and ranges without penalty are the step kernel's</b> where it says so
 *       ({@code clipNorm}, {@code applyAll}): on a device the norm never comes to the host, and a
 *       step is one launch.
 *   <li><b>Fixed blocks.</b> Long sums are cut into blocks whose number depends on the sizes only,
 *       and the blocks are combined in order: the same bits for any number of threads.
 * </ul>
 */
package dev.panagrad.backend;
