/**
 * The CUDA backend: fused steps and one-pass gradients by kernels of our own ({@code native/cuda}),
 * products by cuBLAS, both through bindings that jextract generated.
 *
 * <pre>
 *   CudaProvider    finds driver, device, cuBLAS; says what is missing       CudaLibraries
 *   CudaBackend     places tensors, copies, hands out the two kernels        CudaMemory CudaStorage PinnedRanges LockableMemory HostCopies
 *   CudaLinear      linear algebra and gradient                              RowGradient ProductGradient RowProducts VectorSums RowUploads
 *   CudaStep        one optimizer's steps                                    StepControls
 *   CudaQueue       the order of work; small steps as one graph              CudaGraph CudaLaunch TypedLaunch
 *   CudaDriver      the only caller of the driver's bindings                 CudaDevices CudaModules CudaKernel CudaStatus
 *   Cublas          the only caller of cuBLAS's bindings
 * </pre>
 *
 * <p>Decisions that are not obvious from the code:
 *
 * <ul>
 *   <li><b>A gradient waits for its step.</b> Launches of a small model are held back until the
 *       step is complete and then start as one graph. Everything that reads results, copies, or is
 *       large starts them at once, so that only the time of the start differs.
 *   <li><b>The step's numbers travel as a kernel's arguments into a control block.</b> A copy from
 *       pinned memory would need a ring of buffers, because the host is steps ahead of the device;
 *       arguments are taken when the launch is queued.
 *   <li><b>Row numbers are looked at when they are copied to the device</b>, not in each step: the
 *       device remembers the least and the largest that an allocation may hold, which a copy of all
 *       of it sets anew. An index with a number outside the rows is refused whole, even where the
 *       batch does not use it.
 *   <li><b>Row blocks depend on sizes only</b>, not on the number of multiprocessors: the same bits
 *       on every run, and, for the kernels of our own, for rows in device or in host memory. cuBLAS
 *       may choose by the alignment of its operands.
 *   <li><b>Small batches of many outputs read X once for every eight outputs</b> instead of calling
 *       cuBLAS: they come from the cache, and the whole step is one graph.
 *   <li><b>Policies that look at the gradient before a step</b> ({@code SKIP}, {@code THROW}) cost
 *       a wait of the host for each step; clipping by norm does not.
 *   <li><b>Memory of a caller is never page-locked.</b> Its end is not announced, and pages that
 *       are locked beyond it would be read in place of whatever is mapped there next.
 * </ul>
 */
package dev.panagrad.backend.cuda;
