package dev.panagrad.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What a steady training step costs beside its arithmetic, counted: no copy, no allocation on
 * either side, no wait, and one launch.
 */
@Tag("cuda")
class CudaSteadyStepTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int STEPS = 50;

  @BeforeEach
  void device() {
    assumeTrue(new CudaProvider().probe() instanceof Availability.Available, "no CUDA device");
  }

  /** A regression with its data on the device, stepping through batches. */
  private static final class Training implements AutoCloseable {
    private static final int ROWS = 640;
    private static final int BATCH = 64;
    final TensorArena arena = TensorArena.open("steady");
    final Backend backend = new CudaProvider().open(new BackendOptions(1));
    private final Batch rows;
    final LinearRegression regression;
    final Optimizer optimizer;
    private long first;

    Training(int features, int outputs, Optimizer.Builder options) {
      Tensor hostX = arena.allocate("X", DType.F32, ROWS, features);
      Tensor hostY = arena.allocate("y", DType.F32, ROWS, outputs);
      for (long i = 0; i < hostX.count(); i++) {
        hostX.set(i, Math.sin((double) i));
      }
      for (long i = 0; i < hostY.count(); i++) {
        hostY.set(i, Math.cos((double) i));
      }
      rows = new Batch(backend.place(arena, hostX), backend.place(arena, hostY));
      regression = new LinearRegression(backend, arena, DType.F32, features, outputs, true);
      optimizer = options.build(regression.parameters(), backend, arena);
    }

    void step() {
      step(false);
    }

    void step(boolean waiting) {
      regression.computeGradient(rows, first, BATCH);
      if (waiting) {
        backend.linear().norm2(regression.gradient().flat());
      }
      optimizer.step(regression.gradient());
      first = (first + BATCH) % ROWS;
    }

    /** Waits for the device, so that no test ends with work outstanding. */
    double norm() {
      return backend.linear().norm2(regression.parameters().flat());
    }

    @Override
    public void close() {
      arena.close();
      backend.close();
    }
  }

  private static void isSteady(Training training, long launchesPerStep) {
    for (int i = 0; i < 20; i++) {
      training.step();
    }
    long copies = training.backend.trace().copies();
    long launches = training.backend.trace().launches();
    long waits = training.backend.trace().synchronizations();
    long allocations = training.backend.trace().deviceAllocations();
    for (int i = 0; i < STEPS; i++) {
      training.step();
    }
    assertEquals(copies, training.backend.trace().copies(), "copies");
    assertEquals(waits, training.backend.trace().synchronizations(), "waits");
    assertEquals(allocations, training.backend.trace().deviceAllocations(), "allocations");
    assertEquals(
        launchesPerStep * STEPS, training.backend.trace().launches() - launches, "launches");
    training.norm();
  }

  @Test
  void oneGraphForGradientAndStep() {
    try (Training training = new Training(100, 1, Optimizer.of(Adam.of(0.01)))) {
      isSteady(training, 1);
    }
  }

  @Test
  void clippingByNormAndPenaltiesAreInTheGraph() {
    Optimizer.Builder options =
        Optimizer.of(Adam.of(0.01)).clipNorm(0.1).penalty(new Penalty(0.01, 0.01));
    try (Training training = new Training(100, 3, options)) {
      isSteady(training, 1);
    }
  }

  /** Many outputs of a small batch, and rows too wide for shared memory. */
  @Test
  void oneGraphForOtherShapes() {
    try (Training training = new Training(40, 33, Optimizer.of(Adam.of(0.01)))) {
      isSteady(training, 1);
    }
    try (Training training = new Training(10_000, 1, Optimizer.of(Adam.of(0.01)))) {
      isSteady(training, 1);
    }
  }

  /** Two products, and the kernels around them, which are not in a graph. */
  @Test
  void manyOutputs() {
    try (Training training = new Training(1_500, 33, Optimizer.of(Adam.of(0.01)))) {
      // Products, residuals, products, their sum; then a graph: combine, control, step.
      isSteady(training, 5);
    }
  }

  /** The driver's own count, on the software device, agrees with ours. */
  @Test
  void driverCallsOfSteadyStep() {
    assumeTrue(SoftwareDevice.isPresent(), "the driver of a GPU does not count its calls");
    try (Training training = new Training(100, 1, Optimizer.of(Adam.of(0.01)))) {
      for (int i = 0; i < 20; i++) {
        training.step();
      }
      SoftwareDevice.resetCounts();
      for (int i = 0; i < STEPS; i++) {
        training.step();
      }
      assertEquals(STEPS, SoftwareDevice.count("cuGraphLaunch"));
      // The batch's first row and the step's numbers change; the other arguments stay.
      assertEquals(2 * STEPS, SoftwareDevice.count("cuGraphExecKernelNodeSetParams_v2"));
      for (String call :
          new String[] {
            "cuLaunchKernel",
            "cuMemAllocFromPoolAsync",
            "cuMemFreeAsync",
            "cuMemHostAlloc",
            "cuMemGetInfo_v2",
            "cuMemcpyHtoDAsync_v2",
            "cuMemcpyDtoHAsync_v2",
            "cuMemcpyDtoDAsync_v2",
            "cuMemcpy2DAsync_v2",
            "cuStreamSynchronize",
            "cuEventSynchronize",
            "cuGraphInstantiateWithFlags"
          }) {
        assertEquals(0, SoftwareDevice.count(call), call);
      }
      training.norm();
    }
  }

  @Test
  void nothingIsAllocatedOnTheHeap() {
    Optimizer.Builder options = Optimizer.of(Adam.of(0.01)).clipNorm(0.1);
    try (Training training = new Training(100, 1, options)) {
      long bytes = -1;
      for (int round = 0; round < 200 && bytes != 0; round++) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < STEPS; i++) {
          training.step();
        }
        bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
        training.norm();
      }
      assertEquals(0, bytes, "heap bytes of the last " + STEPS + " steps");
    }
  }

  /** Launches one by one, which a number read back between them enforces, give the same bits. */
  @Test
  void graphGivesTheBitsOfSingleLaunches() {
    Optimizer.Builder options =
        Optimizer.of(Adam.of(0.01)).clipNorm(0.1).penalty(new Penalty(0.01, 0.01));
    double[][] parameters = new double[2][];
    long[] launches = new long[2];
    for (int i = 0; i < 2; i++) {
      try (Training training = new Training(100, 3, options)) {
        for (int step = 0; step < 12; step++) {
          training.step(i == 1);
        }
        Tensor flat = training.regression.parameters().flat();
        Tensor onHost = training.arena.allocate("parameters", DType.F32, flat.shape());
        training.backend.copy(flat, onHost);
        parameters[i] = onHost.toArray();
        launches[i] = training.backend.trace().launches();
      }
    }
    assertArrayEquals(parameters[1], parameters[0]);
    assertTrue(launches[0] < launches[1], launches[0] + " and " + launches[1]);
  }

  /** Steps of two models that take turns on one backend, as threads may: each has its own norm. */
  @Test
  void twoModelsInTurns() {
    try (TensorArena arena = TensorArena.open("turns");
        Backend backend = new CudaProvider().open(new BackendOptions(1))) {
      Tensor[] p = new Tensor[2];
      Tensor[] g = new Tensor[2];
      StepKernel[] kernels = new StepKernel[2];
      for (int i = 0; i < 2; i++) {
        p[i] = backend.allocate(arena, "p", DType.F32, Shape.of(4));
        Tensor onHost = arena.allocate("g", DType.F32, 4).fill(i == 0 ? 10 : 1000);
        g[i] = backend.place(arena, onHost);
        kernels[i] =
            backend.step(new GradientDescent(1), DType.F32, StateFormat.SAME).orElseThrow();
      }
      StepCoefficients c = new StepCoefficients(DType.F32);
      c.own[GradientDescent.RATE] = 1;
      Tensor[] none = {};
      for (int step = 1; step <= 3; step++) {
        for (int i = 0; i < 2; i++) {
          kernels[i].clipNorm(g[i], 1);
        }
        for (int i = 0; i < 2; i++) {
          kernels[i].applyAll(p[i], g[i], none, 4, c, c);
        }
        for (int i = 0; i < 2; i++) {
          assertEquals(step, backend.linear().norm2(p[i]), 1e-5, "model " + i);
        }
      }
    }
  }
}
