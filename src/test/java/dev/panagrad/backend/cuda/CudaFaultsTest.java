package dev.panagrad.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.DeviceException;
import dev.panagrad.backend.DeviceMemoryException;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a caller sees when the device runs out of memory, refuses a launch, or dies. */
@Tag("cuda")
class CudaFaultsTest {
  private static final int ILLEGAL_ADDRESS = 700;
  private static final int LAUNCH_OUT_OF_RESOURCES = 701;
  private static final long ROWS = 96;

  /** What the device counts. */
  private static final List<String> KINDS =
      List.of(
          "live_allocations",
          "live_bytes",
          "live_events",
          "live_streams",
          "live_graphs",
          "live_modules",
          "live_registered");

  /** What a device that is lost has allocated stays so until the process ends. */
  private boolean isDeviceLost;

  private final Map<String, Long> before = new HashMap<>();

  @BeforeEach
  void device() {
    assumeTrue(SoftwareDevice.isPresent(), "the driver of a GPU does not fail on request");
    SoftwareDevice.reset();
    for (String kind : KINDS) {
      before.put(kind, SoftwareDevice.count(kind));
    }
  }

  @AfterEach
  void nothingIsLeft() {
    if (!SoftwareDevice.isPresent()) {
      return;
    }
    SoftwareDevice.reset();
    if (!isDeviceLost) {
      before.forEach((kind, count) -> assertEquals(count, SoftwareDevice.count(kind), kind));
    }
  }

  private static Backend open() {
    return new CudaProvider().open(new BackendOptions(1));
  }

  /** A small training, from data on the host to a model on the host. */
  private static double[] train(Backend backend, TensorArena arena, long outputs) {
    // Products by cuBLAS from 1,025 features on.
    long features = outputs == 1 ? 5 : 1_100;
    Tensor x = arena.allocate("X", DType.F32, ROWS, features);
    Tensor y = arena.allocate("y", DType.F32, ROWS, outputs);
    for (long i = 0; i < x.count(); i++) {
      x.set(i, Math.sin((double) i));
    }
    for (long i = 0; i < y.count(); i++) {
      y.set(i, Math.cos((double) i));
    }
    DenseRows rows = backend.placeRows(arena, new DenseRows(x, y));
    LinearRegression regression =
        new LinearRegression(backend, arena, DType.F32, features, outputs, true);
    Optimizer optimizer =
        Optimizer.of(Adam.of(0.1)).clipNorm(1).build(regression.parameters(), backend, arena);
    for (int step = 0; step < 4; step++) {
      regression.computeGradient(new Batch(rows.x(), rows.y()), 24L * step, 24);
      optimizer.step(regression.gradient());
    }
    Tensor flat = regression.parameters().flat();
    Tensor onHost = arena.allocate("model", DType.F32, flat.shape());
    backend.copy(flat, onHost);
    return onHost.toArray();
  }

  private static double[] train(Backend backend, long outputs) {
    try (TensorArena arena = TensorArena.open("training")) {
      return train(backend, arena, outputs);
    }
  }

  /**
   * Out of memory at the first allocation, the second, and so on until a whole training goes
   * through: each time the message says what was asked for, and the same backend does it
   * afterwards.
   */
  @Test
  void outOfMemoryAnywhere() {
    for (long outputs : new long[] {1, 4}) {
      double[] expected;
      try (Backend backend = open()) {
        expected = train(backend, outputs);
      }
      int failures = 0;
      boolean whole = false;
      while (!whole) {
        SoftwareDevice.failAllocation(failures + 1L);
        Backend opened = null;
        try {
          opened = open();
          assertArrayEquals(expected, train(opened, outputs));
          whole = true;
        } catch (DeviceMemoryException e) {
          failures++;
          assertTrue(
              e.getMessage().matches("[0-9,]+ bytes for '.+' cannot be allocated on device 0, .*"),
              e.getMessage());
          assertTrue(e.getMessage().contains("bytes are free"), e.getMessage());
          assertFalse(e.isLost());
        } finally {
          SoftwareDevice.failAllocation(0);
          if (opened != null) {
            assertArrayEquals(expected, train(opened, outputs), "after failure " + failures);
            opened.close();
          }
        }
      }
      assertTrue(failures >= 8, failures + " allocations");
    }
  }

  /** An allocation within a call: what the caller has is as it was before. */
  @Test
  void outOfMemoryLeavesTensorsAlone() {
    try (Backend backend = open();
        TensorArena arena = TensorArena.open("tensors")) {
      Tensor x = backend.place(arena, arena.allocate("X", DType.F32, ROWS, 1_100).fill(1));
      Tensor y = backend.place(arena, arena.allocate("y", DType.F32, ROWS, 40).fill(2));
      Tensor w = backend.place(arena, arena.allocate("w", DType.F32, 40, 1_100).fill(3));
      Tensor gw = backend.place(arena, arena.allocate("gw", DType.F32, 40, 1_100).fill(4));
      SoftwareDevice.failAllocation(1);
      assertThrows(
          DeviceMemoryException.class,
          () ->
              backend
                  .linear()
                  .gradient(
                      new DenseRows(x, y),
                      new Squared(),
                      new Linear(w, null),
                      new Gradient(gw, null, null)));
      Tensor onHost = arena.allocate("onHost", DType.F32, 40, 1_100);
      backend.copy(gw, onHost);
      assertEquals(4, onHost.get(0));
      assertEquals(4, onHost.get(43_999));
      backend
          .linear()
          .gradient(
              new DenseRows(x, y),
              new Squared(),
              new Linear(w, null),
              new Gradient(gw, null, null));
      backend.copy(gw, onHost);
      // 2/n sum (1,100 * 3 - 2) * 1
      assertEquals(6_596, onHost.get(0));
    }
  }

  /** A launch that is refused and does no harm: one error, and the next call works. */
  @Test
  void refusedLaunch() {
    try (Backend backend = open();
        TensorArena arena = TensorArena.open("tensors")) {
      Tensor x = backend.place(arena, arena.allocate("x", DType.F32, 1000).fill(1));
      SoftwareDevice.failLaunch(1, LAUNCH_OUT_OF_RESOURCES);
      DeviceException e = assertThrows(DeviceException.class, () -> backend.linear().dot(x, x));
      assertTrue(e.getMessage().contains("cuLaunchKernel"), e.getMessage());
      assertTrue(e.getMessage().contains("dot_f32"), e.getMessage());
      assertTrue(
          e.getMessage().contains("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)"), e.getMessage());
      assertFalse(e.isLost());
      assertEquals(1000, backend.linear().dot(x, x));
    }
  }

  private void isLost(Backend backend, TensorArena arena, Tensor onDevice, String cause) {
    isDeviceLost = true;
    Tensor host = arena.allocate("host", DType.F32, 1000).fill(7);
    for (Runnable call :
        new Runnable[] {
          () -> backend.linear().dot(onDevice, onDevice),
          () -> backend.copy(onDevice, host),
          () -> backend.copy(host, onDevice),
          () -> backend.allocate(arena, "more", DType.F32, host.shape()),
          () -> backend.place(arena, host),
          () -> backend.step(Adam.of(0.1), DType.F32, StateFormat.SAME),
        }) {
      DeviceException e = assertThrows(DeviceException.class, call::run);
      assertTrue(e.isLost());
      assertTrue(e.getMessage().contains("First cause: "), e.getMessage());
      assertTrue(e.getMessage().contains(cause), e.getMessage());
      assertTrue(e.getMessage().contains("Restart the process"), e.getMessage());
    }
    // What is on the host is as it was.
    assertEquals(7, host.get(0));
    assertEquals(7, host.get(999));
  }

  /** The code of the call says that the context is gone. */
  @Test
  void stickyLaunchError() {
    try (Backend backend = open();
        TensorArena arena = TensorArena.open("tensors")) {
      Tensor x = backend.place(arena, arena.allocate("x", DType.F32, 1000).fill(1));
      SoftwareDevice.failLaunch(1, ILLEGAL_ADDRESS);
      DeviceException e = assertThrows(DeviceException.class, () -> backend.linear().dot(x, x));
      assertTrue(e.isLost());
      SoftwareDevice.resetCounts();
      isLost(backend, arena, x, "cuLaunchKernel");
      assertEquals(0, SoftwareDevice.count("cuLaunchKernel"), "fails fast");
      assertEquals(0, SoftwareDevice.count("cuMemAllocFromPoolAsync"), "fails fast");
      // Closing a lost device frees what it can.
      SoftwareDevice.reset();
    }
  }

  /** A kernel fails while it runs: the call that waits for it is told. */
  @Test
  void errorWhileRunning() {
    try (Backend backend = open();
        TensorArena arena = TensorArena.open("tensors")) {
      Tensor x = backend.place(arena, arena.allocate("x", DType.F32, 1000).fill(1));
      SoftwareDevice.failExecution(1);
      DeviceException e = assertThrows(DeviceException.class, () -> backend.linear().dot(x, x));
      assertTrue(e.isLost());
      assertTrue(e.getMessage().contains("CUDA_ERROR_ILLEGAL_ADDRESS (700)"), e.getMessage());
      isLost(backend, arena, x, "CUDA_ERROR_ILLEGAL_ADDRESS (700)");
      SoftwareDevice.reset();
    }
  }

  /** Any call that a training makes, failing once for good: an error that names the call. */
  @Test
  void everyCallIsChecked() {
    isDeviceLost = true;
    for (String call :
        new String[] {
          "cuCtxSetCurrent",
          "cuMemPoolCreate",
          "cuMemAllocFromPoolAsync",
          "cuStreamCreate",
          "cuEventCreate",
          "cuModuleLoadData",
          "cuModuleGetFunction",
          "cuLaunchKernel",
          "cuGraphInstantiateWithFlags",
          "cuGraphLaunch",
          "cuMemcpyHtoDAsync_v2",
          "cuMemcpyDtoHAsync_v2",
          "cuMemsetD8Async",
          "cuStreamSynchronize",
          "cublasCreate_v2",
          "cublasSetStream_v2",
          "cublasSgemm_v2"
        }) {
      SoftwareDevice.resetCounts();
      SoftwareDevice.failCall(call, 1, call.startsWith("cublas") ? 13 : 999);
      DeviceException e =
          assertThrows(
              DeviceException.class,
              () -> {
                try (Backend backend = open()) {
                  train(backend, call.startsWith("cublas") ? 4 : 1);
                }
              },
              call);
      String named = call.replaceAll("_v2$", "");
      assertTrue(e.getMessage().contains(named), call + " in: " + e.getMessage());
      SoftwareDevice.reset();
    }
  }

  /** Nothing stays behind a training, and memory is freed when its arena is closed. */
  @Test
  void arenaFreesDeviceMemory() {
    try (Backend backend = open()) {
      train(backend, 1);
      long held = SoftwareDevice.count("live_bytes");
      for (int i = 0; i < 3; i++) {
        train(backend, 1);
        assertEquals(held, SoftwareDevice.count("live_bytes"), "training " + i);
      }
    }
  }

  @Test
  void closedBackendAndArena() {
    TensorArena arena = TensorArena.open("tensors");
    Backend backend = open();
    Tensor x = backend.place(arena, arena.allocate("x", DType.F32, 10).fill(1));
    Tensor y = backend.allocate(arena, "y", DType.F32, x.shape());
    Tensor z;
    try (TensorArena inner = TensorArena.open("inner")) {
      z = backend.allocate(inner, "z", DType.F32, x.shape());
    }
    IllegalStateException e = assertThrows(IllegalStateException.class, () -> backend.copy(x, z));
    assertTrue(e.getMessage().contains("'z'"), e.getMessage());
    backend.close();
    backend.close();
    e = assertThrows(IllegalStateException.class, () -> backend.copy(x, y));
    assertTrue(e.getMessage().contains("closed"), e.getMessage());
    arena.close();
  }
}
