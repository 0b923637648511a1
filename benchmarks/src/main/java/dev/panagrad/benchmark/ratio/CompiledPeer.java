package dev.panagrad.benchmark.ratio;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Loops in C that hold the repetitions too: what a compiler makes of the same work without a
 * library.
 */
final class CompiledPeer {
  private static final FunctionDescriptor STEPS =
      FunctionDescriptor.ofVoid(
          ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);

  private static final FunctionDescriptor GRADIENT =
      FunctionDescriptor.ofVoid(
          ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG,
          JAVA_INT);

  private static final FunctionDescriptor READ =
      FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT);

  private static final FunctionDescriptor GEMM =
      FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG);

  private CompiledPeer() {}

  private static MethodHandle bind(String source, String function, FunctionDescriptor type) {
    return Linker.nativeLinker().downcallHandle(CompiledC.load(source).findOrThrow(function), type);
  }

  /** The rule's file is named as the rule. */
  static StepContender steps(StepData data, int threads) {
    MethodHandle steps = bind(data.rule().name().toLowerCase(Locale.ROOT), "steps", STEPS);
    MemorySegment p = NativeView.of(data.parameters());
    MemorySegment g = NativeView.of(data.gradient());
    MemorySegment s0 = NativeView.of(data.slots().getFirst());
    MemorySegment s1 = NativeView.of(data.slots().getLast());
    long count = data.parameters().count();
    return new StepContender() {
      private long made;

      @Override
      public void repeat(long times) {
        try {
          steps.invokeExact(p, g, s0, s1, count, made, times, threads);
        } catch (Throwable e) {
          throw new AssertionError(e);
        }
        made += times;
      }

      @Override
      StepData data() {
        return data;
      }

      @Override
      void forgetSteps() {
        made = 0;
      }
    };
  }

  /** {@code out = 2/n X^T (X w - y)}, X read once. */
  static OutputContender.Loop gradient(
      Tensor x, Tensor y, Tensor w, Tensor out, TensorArena memory, int threads) {
    MethodHandle gradient = bind("gradient", "gradient", GRADIENT);
    long rows = x.rows();
    long features = x.cols();
    MemorySegment xs = NativeView.of(x);
    MemorySegment ys = NativeView.of(y);
    MemorySegment ws = NativeView.of(w);
    MemorySegment sums = NativeView.of(memory.allocate("C sums", DType.F32, threads * features));
    MemorySegment totals =
        NativeView.of(memory.allocate("C totals", DType.F64, threads * features));
    MemorySegment outs = NativeView.of(out);
    return times -> {
      try {
        gradient.invokeExact(xs, ys, ws, sums, totals, outs, rows, features, times, threads);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    };
  }

  /** X is only read. */
  static Contender read(Tensor x, int threads) {
    MethodHandle read = bind("read", "read_memory", READ);
    MemorySegment xs = NativeView.of(x);
    long count = x.count();
    return times -> {
      try {
        int unused = (int) read.invokeExact(xs, count, times, threads);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    };
  }

  /** {@code C = A B}, square, by libxsmm; absent where its header or library is. */
  static OutputContender.Loop gemmByXsmm(Tensor a, Tensor b, Tensor c) {
    SymbolLookup library = CompiledC.load("xsmm", "-lxsmm", "-lxsmmnoblas", "-lpthread", "-ldl");
    MethodHandle gemm = Linker.nativeLinker().downcallHandle(library.findOrThrow("gemm"), GEMM);
    MemorySegment as = NativeView.of(a);
    MemorySegment bs = NativeView.of(b);
    MemorySegment cs = NativeView.of(c);
    long n = a.rows();
    return times -> {
      try {
        if ((int) gemm.invokeExact(as, bs, cs, n, times) == 0) {
          throw new IllegalStateException("libxsmm has no kernel for %d x %d".formatted(n, n));
        }
      } catch (IllegalStateException e) {
        throw e;
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    };
  }
}
