/**
 * The seam between the mathematics and the machines: a provider that says whether it can run here,
 * a backend that is an opened device, and the two kernels of a training step, {@link
 * dev.panagrad.backend.LinearKernels#gradient} and {@link dev.panagrad.backend.StepKernel#apply}.
 *
 * <p>Decisions that are not obvious from the code:
 *
 * <ul>
 *   <li><b>Check in the skin, loop in the kernel.</b> {@code LinearKernels} has public final
 *       methods that check shapes, types, aliasing and liveness, and protected ones that compute. A
 *       backend overrides the latter only.
 *   <li><b>Batches are a range or a list of rows, not views.</b> {@code gradient} takes the whole
 *       matrix and the rows to use: {@code [first, first + count)}, or that range of an index
 *       vector. A step then creates no view object, and shuffled training reads the rows where they
 *       are instead of gathering them first.
 *   <li><b>Weights are [outputs, features]</b>, as in PyTorch's Linear: each output's weights are
 *       contiguous, which is what one pass over the rows of X wants.
 *   <li><b>The loss is one number per output</b>, in F64, so that outputs of different scale can be
 *       reported in their own units.
 *   <li><b>{@code StepTrace} lives here</b>, not in {@code train}: only a backend can count its
 *       copies and launches.
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
