package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.tensor.Tensor;

/**
 * One read of a vector by a kernel that computes next to nothing. Each call returns a number, so
 * that the host waits for it: some microseconds of a read's milliseconds.
 */
abstract class ReadWork extends DeviceWork {
  private ReadWork(Device device) {
    super(device);
  }

  /** Looks at every element. */
  static ReadWork byFiniteCheck(Device device, Tensor x) {
    LinearAlgebra linear = device.backend.linear();
    return new ReadWork(device) {
      @Override
      void call() {
        if (!linear.isFinite(x)) {
          throw new IllegalStateException("'" + x.name() + "' is not finite");
        }
      }
    };
  }

  /** The product of the first half with the second. */
  static ReadWork byDot(Device device, Tensor x) {
    LinearAlgebra linear = device.backend.linear();
    long half = x.count() / 2;
    Tensor first = x.slice(0, half);
    Tensor second = x.slice(half, half);
    return new ReadWork(device) {
      @Override
      void call() {
        if (Double.isNaN(linear.dot(first, second))) {
          throw new IllegalStateException("'" + x.name() + "' has a NaN");
        }
      }
    };
  }
}
