package dev.panagrad.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.loss.Squared;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.function.Executable;

/** Operands in the wrong memory are refused with their names, and nothing has been written. */
@Tag("cuda")
class CudaPlacementTest {
  private static final Shape MATRIX = Shape.of(4, 3);
  private final TensorArena arena = TensorArena.open("placement");
  private Backend backend;

  @BeforeEach
  void device() {
    assumeTrue(new CudaProvider().probe() instanceof Availability.Available, "no CUDA device");
    backend = new CudaProvider().open(new BackendOptions(1));
  }

  @AfterEach
  void close() {
    arena.close();
    if (backend != null) {
      backend.close();
    }
  }

  private Tensor host(String name, long... extents) {
    return arena.allocate(name, DType.F32, extents).fill(1);
  }

  private Tensor device(String name, long... extents) {
    return backend.place(arena, host(name, extents));
  }

  private double first(Tensor onDevice) {
    Tensor onHost = arena.allocate("copy", onDevice.dtype(), onDevice.shape());
    backend.copy(onDevice, onHost);
    return onHost.get(0);
  }

  private static void refused(Executable call, String... parts) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), part + " in: " + e.getMessage());
    }
  }

  @Test
  void hostOperandsOfDeviceKernels() {
    Tensor x = device("x", 5);
    Tensor y = host("y", 5);
    refused(() -> backend.linear().dot(x, y), "'y' is in host memory", "Backend.place");
    refused(() -> backend.linear().axpy(2, x, y), "'y' is in host memory");
    assertEquals(1, y.get(0));
    Tensor a = device("A", 4, 3);
    Tensor w = host("w", 2, 3);
    Tensor gw = device("gw", 2, 3);
    Tensor targets = device("targets", 4, 2);
    refused(
        () ->
            backend
                .linear()
                .gradient(
                    new DenseRows(a, targets),
                    new Squared(),
                    new Linear(w, null),
                    new Gradient(gw, null, null)),
        "'w' is in host memory");
    refused(
        () ->
            backend
                .linear()
                .gradient(
                    new DenseRows(a, host("y", 4, 2)),
                    new Squared(),
                    new Linear(gw, null),
                    new Gradient(w, null, null)),
        "gradient: ",
        "both must be on the device, or both in host memory");
    assertEquals(1, first(gw));
    assertEquals(1, w.get(0));
    StepKernel step = backend.step(Adam.of(0.1), DType.F32, StateFormat.SAME).orElseThrow();
    Tensor[] slots = {device("m", 5), device("v", 5)};
    refused(
        () -> step.apply(x, y, slots, 0, 5, new StepCoefficients(DType.F32)),
        "'y' is in host memory");
    assertEquals(1, first(x));
  }

  /** Intercepts in host memory are refused before the first prediction is written. */
  @Test
  void predictionsBeginWhenAllIsChecked() {
    for (int outputs : new int[] {1, 3, 8, 20, 40}) {
      for (int rows : new int[] {3, 300}) {
        Tensor x = device("x", rows, 4);
        Linear model = new Linear(device("w", outputs, 4), host("b", outputs));
        Tensor out = device("out", rows, outputs);
        refused(() -> backend.linear().predict(x, 0, rows, model, out), "'b' is in host memory");
        assertEquals(1, first(out));
      }
    }
  }

  /** Kernels read row numbers on a device unchecked: memory for them holds nothing else. */
  @Test
  void viewsOfMemoryForOtherElements() {
    Tensor x = device("x", 4, 3);
    Tensor y = device("y", 4);
    Linear model = new Linear(device("w", 1, 3), null);
    Gradient into = new Gradient(device("gw", 1, 3), null, null);
    Tensor floats = backend.allocate(arena, "floats", DType.F64, Shape.of(4));
    Tensor index = Tensor.over("index", DType.I64, Shape.of(4), floats.storage());
    Batch batch = new Batch(new DenseRows(x, y), index);
    refused(
        () -> backend.linear().gradient(batch, 0, 4, new Squared(), model, into),
        "'index' views device memory that was allocated for other elements than I64");
    assertEquals(1, first(into.gw()));
    Tensor numbers = backend.allocate(arena, "numbers", DType.I64, Shape.of(4));
    Tensor view = Tensor.over("view", DType.F64, Shape.of(4), numbers.storage());
    refused(() -> backend.linear().axpy(1, floats, view), "'view' views device memory");
    Tensor host = arena.allocate("host", DType.F64, 4).fill(1e300);
    refused(() -> backend.copy(host, view), "'view' views device memory");
  }

  @Test
  void deviceOperandsOfHostKernelsAndOfJava() {
    Tensor x = device("x", 5);
    assertThrows(IllegalStateException.class, () -> x.get(0));
    assertThrows(IllegalStateException.class, () -> x.fill(0));
    assertThrows(IllegalStateException.class, x::segment);
    try (Backend simd = Backends.open("simd", new BackendOptions(2))) {
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> simd.linear().dot(x, x));
      assertTrue(e.getMessage().contains("tensor 'x' lives on device 0"), e.getMessage());
      assertTrue(e.getMessage().contains("Backend.copy"), e.getMessage());
      Tensor y = host("y", 5);
      assertThrows(IllegalStateException.class, () -> simd.linear().axpy(1, x, y));
      assertThrows(IllegalStateException.class, () -> simd.linear().axpy(1, y, x));
      assertEquals(1, y.get(0));
    }
    assertEquals(1, first(x));
  }

  /** Each opened backend has memory of its own. */
  @Test
  void tensorsOfAnotherBackend() {
    try (Backend other = new CudaProvider().open(new BackendOptions(1));
        TensorArena otherArena = TensorArena.open("other")) {
      Tensor there = other.place(otherArena, host("there", 5));
      Tensor here = device("here", 5);
      refused(() -> backend.linear().dot(here, there), "'there' is in the memory of another");
      refused(() -> backend.copy(there, here), "'there' is in the memory of another");
      refused(() -> backend.place(arena, there), "'there' is in the memory of another");
    }
  }

  @Test
  void placeLeavesWhatIsThere() {
    Tensor x = device("x", 5);
    assertFalse(x.isHost());
    assertSame(x, backend.place(arena, x));
    DenseRows rows = backend.placeRows(arena, new DenseRows(device("X", 4, 3), device("y", 4)));
    assertFalse(rows.x().isHost());
  }

  @Test
  void rowNumbersOutsideOfTheRows() {
    Tensor x = device("X", 4, 3);
    Tensor y = device("y", 4, 1);
    Tensor w = device("w", 1, 3);
    Tensor gw = device("gw", 1, 3);
    Tensor numbers = arena.allocate("rows", DType.I64, 3);
    for (long bad : new long[] {-1, 4, Long.MAX_VALUE, Long.MIN_VALUE}) {
      numbers.setLong(1, bad);
      Tensor index = backend.place(arena, numbers);
      IndexOutOfBoundsException e =
          assertThrows(
              IndexOutOfBoundsException.class,
              () ->
                  backend
                      .linear()
                      .gradient(
                          new Batch(new DenseRows(x, y), index),
                          0,
                          3,
                          new Squared(),
                          new Linear(w, null),
                          new Gradient(gw, null, null)));
      assertTrue(e.getMessage().contains("'rows'"), e.getMessage());
      assertTrue(e.getMessage().contains(String.valueOf(bad)), e.getMessage());
      assertTrue(e.getMessage().contains("'X' has 4 rows"), e.getMessage());
      assertEquals(1, first(gw));
      // Other numbers in the same place are looked at anew.
      backend.copy(arena.allocate("zeros", DType.I64, 3), index);
      backend
          .linear()
          .gradient(
              new Batch(new DenseRows(x, y), index),
              0,
              3,
              new Squared(),
              new Linear(w, null),
              new Gradient(gw, null, null));
      assertEquals(4, first(gw));
      backend.copy(host("ones", 1, 3), gw);
    }
  }

  /** The row after the last is there, and would change the result. */
  @Test
  void rowNumbersThatChangeWhileTheyAreUploaded() throws InterruptedException {
    int rows = 2_000;
    Tensor features = host("X", rows + 1, 1);
    features.set(rows, 1e9);
    DenseRows data = new DenseRows(backend.place(arena, features).rows(0, rows), device("y", rows));
    Tensor numbers = arena.allocate("rows", DType.I64, rows);
    Tensor index = backend.place(arena, numbers);
    Linear model = new Linear(device("w", 1, 1), null);
    Gradient into = new Gradient(device("gw", 1, 1), null, null);
    AtomicBoolean isOver = new AtomicBoolean();
    Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 0; !isOver.get(); i = (i + 1) % rows) {
                    numbers.setLong(i, rows);
                    numbers.setLong(i, 0);
                  }
                });
    try {
      for (int round = 0; round < 300; round++) {
        backend.copy(numbers, index);
        try {
          backend.linear().gradient(new Batch(data, index), 0, rows, new Squared(), model, into);
          assertEquals(0, first(into.gw()));
        } catch (IndexOutOfBoundsException e) {
          assertTrue(e.getMessage().contains("from 0 to 2000"), e.getMessage());
        }
      }
    } finally {
      isOver.set(true);
      writer.join();
    }
  }

  /** The context is made current on whatever thread calls. */
  @Test
  void anyThreadMayCall() {
    Tensor x = device("x", 1000);
    double sum = CompletableFuture.supplyAsync(() -> backend.linear().norm1(x)).join();
    assertEquals(1000, sum);
    double[] sums = new double[8];
    Thread[] threads = new Thread[sums.length];
    for (int t = 0; t < threads.length; t++) {
      int mine = t;
      threads[t] =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < 50; i++) {
                      sums[mine] += backend.linear().dot(x, x);
                    }
                  });
    }
    for (Thread thread : threads) {
      assertTrue(join(thread));
    }
    for (double each : sums) {
      assertEquals(50_000, each);
    }
  }

  private static boolean join(Thread thread) {
    try {
      thread.join(30_000);
      return !thread.isAlive();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Views with gaps between rows, in both directions and on the device. */
  @Test
  void copiesOfViews() {
    Tensor wide = arena.allocate("wide", DType.F32, 4, 8);
    for (long i = 0; i < wide.count(); i++) {
      wide.set(i, (double) i);
    }
    Tensor view = wide.columns(2, 3);
    Tensor there = backend.allocate(arena, "there", DType.F32, MATRIX);
    backend.copy(view, there);
    Tensor wideThere = backend.allocate(arena, "wide there", DType.F32, Shape.of(4, 8));
    backend.copy(there, wideThere.columns(4, 3));
    Tensor back = arena.allocate("back", DType.F32, 4, 8).fill(-1);
    backend.copy(wideThere.columns(4, 3), back.columns(1, 3));
    for (long row = 0; row < 4; row++) {
      assertEquals(-1, back.get(row, 0));
      assertEquals(-1, back.get(row, 4));
      for (long col = 0; col < 3; col++) {
        assertEquals(row * 8 + col + 2.0, back.get(row, col + 1));
      }
    }
  }

  /** More outputs than a grid has blocks in its second direction, by both kinds of kernels. */
  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void outputsBeyondTheGrid() {
    long outputs = 70_000;
    long features = 2;
    for (long rows : new long[] {1, 200}) {
      Tensor x = device("X", rows, features);
      Tensor y = backend.allocate(arena, "y", DType.F32, Shape.of(rows, outputs));
      Tensor w = backend.allocate(arena, "w", DType.F32, Shape.of(outputs, features));
      Tensor b = backend.place(arena, host("b", outputs));
      Tensor gw = backend.allocate(arena, "gw", DType.F32, w.shape());
      Tensor gb = backend.allocate(arena, "gb", DType.F32, b.shape());
      backend
          .linear()
          .gradient(
              new DenseRows(x, y), new Squared(), new Linear(w, b), new Gradient(gw, gb, null));
      assertEquals(2.0 * outputs, backend.linear().norm1(gb));
      assertEquals(2.0 * outputs * features, backend.linear().norm1(gw.reshape(gw.count())));
    }
  }

  /** Who computes while another thread closes the arena is told so, and the device goes on. */
  @Test
  void arenaClosedWhileComputing() {
    for (int round = 0; round < 20; round++) {
      TensorArena data = TensorArena.open("data");
      Tensor x = backend.place(data, data.allocate("X", DType.F32, 64, 10).fill(1));
      Tensor y = backend.place(data, data.allocate("y", DType.F32, 64, 1).fill(1));
      Tensor w = backend.place(data, data.allocate("w", DType.F32, 1, 10).fill(1));
      Tensor gw = backend.allocate(data, "gw", DType.F32, w.shape());
      CompletableFuture<Throwable> end = new CompletableFuture<>();
      CompletableFuture<Void> computing = new CompletableFuture<>();
      Thread.ofPlatform()
          .start(
              () -> {
                try {
                  while (true) {
                    backend
                        .linear()
                        .gradient(
                            new DenseRows(x, y),
                            new Squared(),
                            new Linear(w, null),
                            new Gradient(gw, null, null));
                    computing.complete(null);
                  }
                } catch (Throwable e) {
                  end.complete(e);
                }
              });
      computing.join();
      data.close();
      Throwable e = end.join();
      assertTrue(e instanceof IllegalStateException, e.toString());
      assertTrue(e.getMessage().contains("arena was closed"), e.getMessage());
      assertEquals(5, backend.linear().norm1(device("x", 5)));
    }
  }

  /** An upload ends before the memory that it reads is freed, or is refused. */
  @Test
  void arenaClosedWhileUploading() {
    for (int round = 0; round < 10; round++) {
      TensorArena data = TensorArena.open("data");
      Tensor x = data.allocate("X", DType.F32, 5_000_000);
      try (TensorArena there = TensorArena.open("there")) {
        CompletableFuture<Throwable> end = new CompletableFuture<>();
        CompletableFuture<Void> started = new CompletableFuture<>();
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    started.complete(null);
                    backend.place(there, x);
                    end.complete(null);
                  } catch (Throwable e) {
                    end.complete(e);
                  }
                });
        started.join();
        boolean isClosed = false;
        while (!isClosed) {
          try {
            data.close();
            isClosed = true;
          } catch (IllegalStateException e) {
            Thread.onSpinWait();
          }
        }
        Throwable e = end.join();
        assertTrue(e == null || e instanceof IllegalStateException, () -> String.valueOf(e));
      }
    }
  }
}
