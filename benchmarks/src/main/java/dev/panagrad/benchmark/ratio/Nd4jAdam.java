package dev.panagrad.benchmark.ratio;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's Adam: its updater computes what to subtract, which is then subtracted. Loaded by {@link
 * Nd4jLoader} only.
 */
public final class Nd4jAdam implements ForeignSteps {
  private final INDArray parameters;
  private final INDArray gradient;
  private final INDArray mean;
  private final INDArray square;
  private final INDArray update;
  private int made;

  /** Over memory that exists, at those addresses. */
  public Nd4jAdam(
      long parameters,
      long gradient,
      long mean,
      long square,
      long update,
      long count,
      int threads) {
    Nd4j.getEnvironment().setMaxThreads(threads);
    Nd4j.getEnvironment().setMaxMasterThreads(threads);
    this.parameters = array(parameters, count);
    this.gradient = array(gradient, count);
    this.mean = array(mean, count);
    this.square = array(square, count);
    this.update = array(update, count);
  }

  private static INDArray array(long address, long count) {
    return Nd4j.create(
        Nd4j.createBuffer(new FloatPointer(new At(address, count)), count, DataType.FLOAT), count);
  }

  @Override
  public void repeat(long times) {
    for (long i = 0; i < times; i++) {
      // It adds epsilon before the correction of the second moment, others after it.
      double epsilon = 1e-8 * Math.sqrt(1 - Math.pow(0.999, made + 1));
      Nd4j.exec(
          new AdamUpdater(
              gradient, square, mean, update, square, mean, 1e-3, 0.9, 0.999, epsilon, made));
      parameters.subi(update);
      made++;
    }
  }

  @Override
  public void forgetSteps() {
    made = 0;
  }

  private static final class At extends Pointer {
    At(long address, long count) {
      this.address = address;
      this.limit = count;
      this.capacity = count;
    }
  }
}
