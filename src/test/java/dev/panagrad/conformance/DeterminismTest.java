package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendProvider;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Transpose;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The same bits for any number of threads, and every time. */
@Tag("simd")
class DeterminismTest {
  private static final int[] THREADS = {1, 2, 3, 8};
  private static final int REPEATS = 10;

  /** A computation on a backend that returns a digest of all its output bits. */
  @FunctionalInterface
  private interface Computation {
    long digest(Backend backend, TensorArena arena, Random random);
  }

  private static void sameBits(String what, Computation computation) {
    sameBits("simd", what, computation);
  }

  private static void sameBits(String name, String what, Computation computation) {
    Long expected = null;
    for (int threads : THREADS) {
      try (Backend backend = Backends.open(name, new BackendOptions(threads))) {
        for (int repeat = 0; repeat < REPEATS; repeat++) {
          try (TensorArena arena = TensorArena.open(what)) {
            long digest = computation.digest(backend, arena, new Random(11));
            if (expected == null) {
              expected = digest;
            }
            assertEquals(expected, digest, what + ", threads " + threads + ", repeat " + repeat);
          }
        }
      }
    }
  }

  private static Tensor random(TensorArena arena, Random random, DType dtype, long... extents) {
    Tensor t = arena.allocate("t", dtype, extents);
    for (long i = 0; i < t.count(); i++) {
      t.set(i, random.nextGaussian());
    }
    return t;
  }

  private static long digest(long seed, Tensor t) {
    long digest = seed;
    for (long i = 0; i < t.count(); i++) {
      digest = digest * 1_000_003 + Double.doubleToRawLongBits(t.get(i));
    }
    return digest;
  }

  @Test
  void gradient() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (long[] shape :
          new long[][] {{20_000, 10, 1}, {30_000, 64, 1}, {300, 5000, 1}, {9_001, 33, 3}}) {
        sameBits(
            "gradient " + dtype + " " + shape[0] + " x " + shape[1],
            (backend, arena, random) -> {
              Tensor x = random(arena, random, dtype, shape[0], shape[1]);
              Tensor y = random(arena, random, dtype, shape[0], shape[2]);
              Tensor w = random(arena, random, dtype, shape[2], shape[1]);
              Tensor b = random(arena, random, dtype, shape[2]);
              Tensor gw = arena.allocate("gw", dtype, shape[2], shape[1]);
              Tensor gb = arena.allocate("gb", dtype, shape[2]);
              Tensor loss = arena.allocate("loss", DType.F64, shape[2]);
              backend.linear().gradient(x, y, w, b, gw, gb, loss);
              return digest(digest(digest(0, gw), gb), loss);
            });
      }
    }
  }

  @Test
  void steps() {
    sameBits(
        "steps",
        (backend, arena, random) -> {
          Parameters p = Parameters.layout().add("p", 200_001).allocate(arena, "p", DType.F32);
          Tensor g = random(arena, random, DType.F32, p.flat().count());
          Optimizer optimizer = Optimizer.of(Adam.of(0.01)).build(p, backend, arena);
          optimizer.step(g);
          optimizer.step(g);
          return digest(digest(0, p.flat()), optimizer.state().get(1));
        });
  }

  @Test
  void products() {
    sameBits("products", DeterminismTest::products);
  }

  @Test
  void productsOfOpenBlas() {
    Optional<BackendProvider> openblas =
        Backends.providers().stream().filter(p -> p.name().equals("openblas")).findFirst();
    assumeTrue(openblas.orElseThrow().probe() instanceof Availability.Available);
    sameBits("openblas", "products", DeterminismTest::products);
    sameBits(
        "openblas",
        "symmetric product",
        (backend, arena, random) -> {
          Tensor a = random(arena, random, DType.F32, 300, 400);
          Tensor c = arena.allocate("c", DType.F32, 400, 400);
          backend.linear().syrk(1, a, 0, c);
          return digest(0, c);
        });
  }

  private static long products(Backend backend, TensorArena arena, Random random) {
    Tensor a = random(arena, random, DType.F32, 300, 200);
    Tensor b = random(arena, random, DType.F32, 200, 150);
    Tensor c = arena.allocate("c", DType.F32, 300, 150);
    backend.linear().gemm(Transpose.NO, Transpose.NO, 1, a, b, 0, c);
    Tensor tall = random(arena, random, DType.F32, 9_000, 40);
    Tensor v = random(arena, random, DType.F32, 9_000);
    Tensor t = arena.allocate("t", DType.F32, 40);
    backend.linear().gemv(Transpose.YES, 1, tall, v, 0, t);
    Tensor u = arena.allocate("u", DType.F32, 9_000);
    backend.linear().gemv(Transpose.NO, 1, tall, t, 0, u);
    return digest(digest(digest(0, c), t), u);
  }
}
