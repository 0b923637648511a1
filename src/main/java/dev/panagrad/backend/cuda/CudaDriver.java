package dev.panagrad.backend.cuda;

import dev.panagrad.backend.DeviceException;
import dev.panagrad.backend.cuda.bindings.CUDA_KERNEL_NODE_PARAMS_v2_st;
import dev.panagrad.backend.cuda.bindings.CUDA_MEMCPY2D_st;
import dev.panagrad.backend.cuda.bindings.CUmemLocation_st;
import dev.panagrad.backend.cuda.bindings.CUmemPoolProps_st;
import dev.panagrad.backend.cuda.bindings.CudaBindings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The checked skin over the generated driver bindings: one opened device, its primary context and
 * its memory pool. Every return code is checked, and a failure names the call, its sizes and the
 * driver's own word for the code. After a code that no call recovers from, every later call fails
 * at once with the first cause.
 *
 * <p>Threading: callers take turns by the backend's lock; {@link #enter} makes the context current
 * on the calling thread. Device addresses are {@code long} and are never made a segment that Java
 * could read.
 */
final class CudaDriver {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final MemorySegment NULL = MemorySegment.NULL;
  private static final int OUT_BYTES = 64;

  private final int device;
  private final MemorySegment context;
  private final MemorySegment pool;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment out = arena.allocate(OUT_BYTES, Long.BYTES);
  private final MemorySegment copy2d = CUDA_MEMCPY2D_st.allocate(arena);
  private final MemorySegment node = CUDA_KERNEL_NODE_PARAMS_v2_st.allocate(arena);
  private volatile DeviceException failure;

  CudaDriver(int ordinal) {
    device = CudaDevices.handle(ordinal, out);
    CudaStatus.require(
        CudaBindings.cuDevicePrimaryCtxRetain(out, device),
        "cuDevicePrimaryCtxRetain",
        "device " + ordinal);
    context = out.get(ValueLayout.ADDRESS, 0);
    MemorySegment made;
    try {
      enter();
      made = createPool();
    } catch (DeviceException e) {
      CudaBindings.cuDevicePrimaryCtxRelease_v2(device);
      arena.close();
      throw e;
    }
    pool = made;
  }

  private MemorySegment createPool() {
    try (Arena temporary = Arena.ofConfined()) {
      MemorySegment properties = CUmemPoolProps_st.allocate(temporary);
      properties.fill((byte) 0);
      CUmemPoolProps_st.allocType(properties, CudaBindings.CU_MEM_ALLOCATION_TYPE_PINNED());
      CUmemPoolProps_st.handleTypes(properties, CudaBindings.CU_MEM_HANDLE_TYPE_NONE());
      MemorySegment location = CUmemPoolProps_st.location(properties);
      CUmemLocation_st.type(location, CudaBindings.CU_MEM_LOCATION_TYPE_DEVICE());
      CUmemLocation_st.id(location, device);
      check(CudaBindings.cuMemPoolCreate(out, properties), "cuMemPoolCreate");
      MemorySegment created = out.get(ValueLayout.ADDRESS, 0);
      // Freed memory stays in the pool: giving it back to the system would wait for the device.
      MemorySegment all = temporary.allocate(LONG);
      all.set(LONG, 0, -1L);
      check(
          CudaBindings.cuMemPoolSetAttribute(
              created, CudaBindings.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD(), all),
          "cuMemPoolSetAttribute");
      return created;
    }
  }

  /**
   * To be called first by whoever makes calls: makes the context current on this thread. Throws
   * {@link DeviceException} at once, with the first cause, if the device is lost.
   */
  void enter() {
    requireUsable();
    check(CudaBindings.cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

  private void requireUsable() {
    DeviceException first = failure;
    if (first != null) {
      throw new DeviceException(
          "backend 'cuda' is lost to this process and refuses every call; host tensors are as they were. Restart the process. First cause: "
              + first.getMessage(),
          true,
          first);
    }
  }

  boolean isLost() {
    return failure != null;
  }

  private void check(int code, String call) {
    check(code, call, "");
  }

  private void check(int code, String call, Object what) {
    if (code != CudaStatus.SUCCESS) {
      throw failed(code, call, what.toString());
    }
  }

  private void check(int code, String call, long bytes) {
    if (code != CudaStatus.SUCCESS) {
      throw failed(code, call, "%,d bytes".formatted(bytes));
    }
  }

  private DeviceException failed(int code, String call, String sizes) {
    boolean lost = CudaStatus.isSticky(code);
    String end = lost ? "; the device is lost to this process, which must be started again" : "";
    DeviceException error =
        new DeviceException(CudaStatus.describe(code, call, sizes) + end, lost, null);
    if (lost && failure == null) {
      failure = error;
    }
    return error;
  }

  // ---- memory

  /** Allocates in the order of the stream; 0 if there is not enough memory. */
  long allocate(long bytes, MemorySegment stream) {
    int code = CudaBindings.cuMemAllocFromPoolAsync(out, bytes, pool, stream);
    if (code == CudaStatus.OUT_OF_MEMORY) {
      return 0;
    }
    check(code, "cuMemAllocFromPoolAsync", bytes);
    return out.get(LONG, 0);
  }

  void free(long address, MemorySegment stream) {
    check(CudaBindings.cuMemFreeAsync(address, stream), "cuMemFreeAsync");
  }

  /** Bytes that neither this process's pool nor anyone else holds. */
  long freeBytes() {
    MemorySegment total = out.asSlice(Long.BYTES);
    check(CudaBindings.cuMemGetInfo_v2(out, total), "cuMemGetInfo");
    return out.get(LONG, 0);
  }

  /** Bytes that the pool holds, allocated or kept for the next allocation. */
  long pooledBytes() {
    check(
        CudaBindings.cuMemPoolGetAttribute(
            pool, CudaBindings.CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT(), out),
        "cuMemPoolGetAttribute");
    return out.get(LONG, 0);
  }

  /** Page-locked host memory, or null if the system gives none. */
  @SuppressWarnings("restricted")
  MemorySegment allocateHost(long bytes) {
    int code = CudaBindings.cuMemHostAlloc(out, bytes, CudaBindings.CU_MEMHOSTALLOC_PORTABLE());
    if (code == CudaStatus.OUT_OF_MEMORY) {
      return null;
    }
    check(code, "cuMemHostAlloc", bytes);
    return out.get(ValueLayout.ADDRESS, 0).reinterpret(bytes);
  }

  void freeHost(MemorySegment memory) {
    check(CudaBindings.cuMemFreeHost(memory), "cuMemFreeHost");
  }

  /**
   * Locks the pages of host memory, so that the device copies straight from it. Returns null, or
   * why the driver does not do it.
   */
  String register(MemorySegment memory, boolean readOnly) {
    int flags =
        CudaBindings.CU_MEMHOSTREGISTER_PORTABLE()
            | (readOnly ? CudaBindings.CU_MEMHOSTREGISTER_READ_ONLY() : 0);
    int code = CudaBindings.cuMemHostRegister_v2(memory, memory.byteSize(), flags);
    if (code == CudaStatus.SUCCESS) {
      return null;
    }
    if (CudaStatus.isSticky(code)) {
      check(code, "cuMemHostRegister", memory.byteSize());
    }
    return CudaStatus.describe(code, "cuMemHostRegister", "%,d bytes".formatted(memory.byteSize()));
  }

  void unregister(MemorySegment memory) {
    check(CudaBindings.cuMemHostUnregister(memory), "cuMemHostUnregister");
  }

  void clear(long address, long bytes, MemorySegment stream) {
    check(CudaBindings.cuMemsetD8Async(address, (byte) 0, bytes, stream), "cuMemsetD8Async", bytes);
  }

  void upload(MemorySegment from, long offset, long to, long bytes, MemorySegment stream) {
    MemorySegment source = from.asSlice(offset, bytes);
    check(CudaBindings.cuMemcpyHtoDAsync_v2(to, source, bytes, stream), "cuMemcpyHtoDAsync", bytes);
  }

  void download(long from, MemorySegment to, long offset, long bytes, MemorySegment stream) {
    MemorySegment target = to.asSlice(offset, bytes);
    check(
        CudaBindings.cuMemcpyDtoHAsync_v2(target, from, bytes, stream), "cuMemcpyDtoHAsync", bytes);
  }

  void copy(long from, long to, long bytes, MemorySegment stream) {
    check(CudaBindings.cuMemcpyDtoDAsync_v2(to, from, bytes, stream), "cuMemcpyDtoDAsync", bytes);
  }

  /**
   * Copies rows with gaps between them. A side is on the host where its segment is not null, else
   * at its device address.
   */
  void copyRows(
      MemorySegment fromHost,
      long from,
      long fromPitch,
      MemorySegment toHost,
      long to,
      long toPitch,
      long rowBytes,
      long rows,
      MemorySegment stream) {
    copy2d.fill((byte) 0);
    if (fromHost != null) {
      CUDA_MEMCPY2D_st.srcMemoryType(copy2d, CudaBindings.CU_MEMORYTYPE_HOST());
      CUDA_MEMCPY2D_st.srcHost(copy2d, fromHost);
    } else {
      CUDA_MEMCPY2D_st.srcMemoryType(copy2d, CudaBindings.CU_MEMORYTYPE_DEVICE());
      CUDA_MEMCPY2D_st.srcDevice(copy2d, from);
    }
    if (toHost != null) {
      CUDA_MEMCPY2D_st.dstMemoryType(copy2d, CudaBindings.CU_MEMORYTYPE_HOST());
      CUDA_MEMCPY2D_st.dstHost(copy2d, toHost);
    } else {
      CUDA_MEMCPY2D_st.dstMemoryType(copy2d, CudaBindings.CU_MEMORYTYPE_DEVICE());
      CUDA_MEMCPY2D_st.dstDevice(copy2d, to);
    }
    CUDA_MEMCPY2D_st.srcPitch(copy2d, fromPitch);
    CUDA_MEMCPY2D_st.dstPitch(copy2d, toPitch);
    CUDA_MEMCPY2D_st.WidthInBytes(copy2d, rowBytes);
    CUDA_MEMCPY2D_st.Height(copy2d, rows);
    int code = CudaBindings.cuMemcpy2DAsync_v2(copy2d, stream);
    if (code != CudaStatus.SUCCESS) {
      throw failed(code, "cuMemcpy2DAsync", "%,d rows of %,d bytes".formatted(rows, rowBytes));
    }
  }

  // ---- streams and events

  MemorySegment createStream() {
    check(
        CudaBindings.cuStreamCreate(out, CudaBindings.CU_STREAM_NON_BLOCKING()), "cuStreamCreate");
    return out.get(ValueLayout.ADDRESS, 0);
  }

  void synchronize(MemorySegment stream) {
    check(CudaBindings.cuStreamSynchronize(stream), "cuStreamSynchronize");
  }

  MemorySegment createEvent() {
    check(CudaBindings.cuEventCreate(out, CudaBindings.CU_EVENT_DISABLE_TIMING()), "cuEventCreate");
    return out.get(ValueLayout.ADDRESS, 0);
  }

  void record(MemorySegment event, MemorySegment stream) {
    check(CudaBindings.cuEventRecord(event, stream), "cuEventRecord");
  }

  /** Work of the stream waits, the host does not. */
  void await(MemorySegment event, MemorySegment stream) {
    check(CudaBindings.cuStreamWaitEvent(stream, event, 0), "cuStreamWaitEvent");
  }

  void synchronizeEvent(MemorySegment event) {
    check(CudaBindings.cuEventSynchronize(event), "cuEventSynchronize");
  }

  // ---- kernels and graphs

  MemorySegment loadModule(MemorySegment image) {
    check(CudaBindings.cuModuleLoadData(out, image), "cuModuleLoadData", image.byteSize());
    return out.get(ValueLayout.ADDRESS, 0);
  }

  MemorySegment function(MemorySegment module, MemorySegment name) {
    int code = CudaBindings.cuModuleGetFunction(out, module, name);
    check(code, "cuModuleGetFunction", name.getString(0));
    return out.get(ValueLayout.ADDRESS, 0);
  }

  void launch(CudaLaunch l, MemorySegment stream) {
    int code =
        CudaBindings.cuLaunchKernel(
            l.kernel.function(),
            l.gridX,
            l.gridY,
            1,
            l.blockX,
            l.blockY,
            1,
            l.sharedBytes,
            stream,
            l.pointers,
            NULL);
    check(code, "cuLaunchKernel", l);
  }

  MemorySegment createGraph() {
    check(CudaBindings.cuGraphCreate(out, 0), "cuGraphCreate");
    return out.get(ValueLayout.ADDRESS, 0);
  }

  /** Adds a launch after another node, or the first one where that is null. */
  MemorySegment addNode(MemorySegment graph, MemorySegment after, CudaLaunch l) {
    describe(l);
    MemorySegment dependency = out.asSlice(Long.BYTES, Long.BYTES);
    if (after != null) {
      dependency.set(ValueLayout.ADDRESS, 0, after);
    }
    int code =
        CudaBindings.cuGraphAddKernelNode_v2(
            out, graph, after == null ? NULL : dependency, after == null ? 0 : 1, node);
    check(code, "cuGraphAddKernelNode", l);
    return out.get(ValueLayout.ADDRESS, 0);
  }

  MemorySegment instantiate(MemorySegment graph) {
    check(CudaBindings.cuGraphInstantiateWithFlags(out, graph, 0), "cuGraphInstantiateWithFlags");
    return out.get(ValueLayout.ADDRESS, 0);
  }

  /** Later launches of the graph use these arguments; those already made do not. */
  void update(MemorySegment executable, MemorySegment graphNode, CudaLaunch l) {
    describe(l);
    int code = CudaBindings.cuGraphExecKernelNodeSetParams_v2(executable, graphNode, node);
    check(code, "cuGraphExecKernelNodeSetParams", l);
  }

  void launchGraph(MemorySegment executable, MemorySegment stream) {
    check(CudaBindings.cuGraphLaunch(executable, stream), "cuGraphLaunch");
  }

  void destroyGraph(MemorySegment graph) {
    check(CudaBindings.cuGraphDestroy(graph), "cuGraphDestroy");
  }

  void destroyExecutable(MemorySegment executable) {
    check(CudaBindings.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
  }

  private void describe(CudaLaunch l) {
    CUDA_KERNEL_NODE_PARAMS_v2_st.func(node, l.kernel.function());
    CUDA_KERNEL_NODE_PARAMS_v2_st.gridDimX(node, l.gridX);
    CUDA_KERNEL_NODE_PARAMS_v2_st.gridDimY(node, l.gridY);
    CUDA_KERNEL_NODE_PARAMS_v2_st.gridDimZ(node, 1);
    CUDA_KERNEL_NODE_PARAMS_v2_st.blockDimX(node, l.blockX);
    CUDA_KERNEL_NODE_PARAMS_v2_st.blockDimY(node, l.blockY);
    CUDA_KERNEL_NODE_PARAMS_v2_st.blockDimZ(node, 1);
    CUDA_KERNEL_NODE_PARAMS_v2_st.sharedMemBytes(node, l.sharedBytes);
    CUDA_KERNEL_NODE_PARAMS_v2_st.kernelParams(node, l.pointers);
  }

  // ---- the end

  /** Ends streams, events, modules and the pool, and releases the context. Never throws. */
  void close(
      Iterable<MemorySegment> streams,
      Iterable<MemorySegment> events,
      Iterable<MemorySegment> modules) {
    if (!isLost()) {
      events.forEach(CudaBindings::cuEventDestroy_v2);
      streams.forEach(CudaBindings::cuStreamDestroy_v2);
      modules.forEach(CudaBindings::cuModuleUnload);
      CudaBindings.cuMemPoolDestroy(pool);
    }
    CudaBindings.cuDevicePrimaryCtxRelease_v2(device);
    arena.close();
  }
}
