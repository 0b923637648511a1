package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.reflect.Constructor;

/** ND4J, in a class loader of its own. */
final class Nd4jPeer {
  private static final Constructor<?> ADAM = load();

  private Nd4jPeer() {}

  private static Constructor<?> load() {
    try {
      Class<?> adam = Class.forName(Nd4jAdam.class.getName(), true, Nd4jLoader.open());
      return adam.getConstructor(
          long.class, long.class, long.class, long.class, long.class, long.class, int.class);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("ND4J cannot be loaded", e);
    }
  }

  static StepContender adam(StepData data, TensorArena memory, int threads) {
    Tensor update = memory.allocate("ND4J update", DType.F32, data.parameters().count());
    ForeignSteps steps = open(data, update, threads);
    return new StepContender() {
      @Override
      public void repeat(long times) {
        steps.repeat(times);
      }

      @Override
      StepData data() {
        return data;
      }

      @Override
      void forgetSteps() {
        steps.forgetSteps();
      }
    };
  }

  private static ForeignSteps open(StepData data, Tensor update, int threads) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    // It looks for its backend with the thread's loader.
    thread.setContextClassLoader(ADAM.getDeclaringClass().getClassLoader());
    try {
      return (ForeignSteps)
          ADAM.newInstance(
              address(data.parameters()),
              address(data.gradient()),
              address(data.slots().getFirst()),
              address(data.slots().getLast()),
              address(update),
              update.count(),
              threads);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("ND4J cannot be opened", e);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private static long address(Tensor tensor) {
    return NativeView.of(tensor).address();
  }
}
