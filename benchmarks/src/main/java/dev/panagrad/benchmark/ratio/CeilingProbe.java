package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The fastest that this machine's memory allows at this moment: as many streams read and written as
 * the kernel has, and one exclusive-or per vector, which costs nothing and cannot be left out by
 * the compiler.
 */
abstract class CeilingProbe implements Contender, WorkerPool.ChunkTask {
  private static final VectorSpecies<Integer> SPECIES = IntVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int STRIDE = SPECIES.vectorByteSize();

  /** A multiple of every vector size. */
  private static final long CHUNK_BYTES = 1 << 18;

  private final WorkerPool pool;
  private final long bytes;

  private CeilingProbe(int threads, long bytes) {
    pool = new WorkerPool(new Lifetime("ceiling"), threads);
    // Whole vectors only: at most one is missed.
    this.bytes = bytes / STRIDE * STRIDE;
  }

  /** The streams of a step with that many state vectors: parameters, gradient, state. */
  static CeilingProbe step(
      int slots, long count, Tensor gradient, TensorArena memory, int threads) {
    MemorySegment g = NativeView.of(gradient);
    MemorySegment p = stream(memory, "p", count);
    MemorySegment m = stream(memory, "m", count);
    MemorySegment v = slots > 1 ? stream(memory, "v", count) : null;
    return new CeilingProbe(threads, g.byteSize()) {
      @Override
      void chunk(long from, long to, int chunk) {
        if (v == null) {
          readThreeWriteTwo(p, g, m, from, to);
        } else {
          readFourWriteThree(p, g, m, v, from, to);
        }
      }
    };
  }

  /** One stream that is only read. */
  static CeilingProbe read(Tensor x, int threads) {
    MemorySegment stream = NativeView.of(x);
    int[] sums = new int[Math.toIntExact(stream.byteSize() / CHUNK_BYTES + 1)];
    return new CeilingProbe(threads, stream.byteSize()) {
      @Override
      void chunk(long from, long to, int chunk) {
        sums[chunk] = readOne(stream, from, to);
      }
    };
  }

  private static MemorySegment stream(TensorArena memory, String name, long count) {
    MemorySegment stream = NativeView.of(memory.allocate("ceiling " + name, DType.F32, count));
    // Untouched pages are all the same zero page, which is in the cache.
    stream.fill((byte) 1);
    return stream;
  }

  abstract void chunk(long from, long to, int chunk);

  @Override
  public void run(int chunk, int worker) {
    long from = chunk * CHUNK_BYTES;
    chunk(from, Math.min(bytes, from + CHUNK_BYTES), chunk);
  }

  @Override
  public void repeat(long times) {
    int chunks = Math.toIntExact((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
    for (long i = 0; i < times; i++) {
      pool.run(this, chunks);
    }
  }

  @Override
  public void close() {
    pool.close();
  }

  private static void readFourWriteThree(
      MemorySegment p, MemorySegment g, MemorySegment m, MemorySegment v, long from, long to) {
    for (long o = from; o < to; o += STRIDE) {
      IntVector bits = IntVector.fromMemorySegment(SPECIES, g, o, ORDER);
      xor(p, o, bits);
      xor(m, o, bits);
      xor(v, o, bits);
    }
  }

  private static void readThreeWriteTwo(
      MemorySegment p, MemorySegment g, MemorySegment m, long from, long to) {
    for (long o = from; o < to; o += STRIDE) {
      IntVector bits = IntVector.fromMemorySegment(SPECIES, g, o, ORDER);
      xor(p, o, bits);
      xor(m, o, bits);
    }
  }

  private static void xor(MemorySegment stream, long o, IntVector bits) {
    IntVector.fromMemorySegment(SPECIES, stream, o, ORDER)
        .lanewise(VectorOperators.XOR, bits)
        .intoMemorySegment(stream, o, ORDER);
  }

  private static int readOne(MemorySegment x, long from, long to) {
    IntVector even = IntVector.zero(SPECIES);
    IntVector odd = even;
    long o = from;
    for (; o + STRIDE < to; o += 2 * STRIDE) {
      even = even.lanewise(VectorOperators.XOR, IntVector.fromMemorySegment(SPECIES, x, o, ORDER));
      odd =
          odd.lanewise(
              VectorOperators.XOR, IntVector.fromMemorySegment(SPECIES, x, o + STRIDE, ORDER));
    }
    return even.lanewise(VectorOperators.XOR, odd).reduceLanes(VectorOperators.ADD);
  }
}
