package dev.panagrad.backend.cuda;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;

/**
 * One optimizer's steps: its numbers are written to a control block on the device, and the fused
 * kernel reads them there. Nothing is allocated, and the host waits for nothing.
 *
 * <p>With clipping by norm the factor stays on the device too: the sum of squares, the norm and the
 * factor are kernels before the step.
 */
final class CudaStep implements StepKernel {
  private static final int THREADS = CudaLaunch.THREADS;
  // Bytes that a thread takes from each stream at a time.
  private static final int GROUP_BYTES = 16;

  private static final int COMMON = 5;
  private static final int WORDS = COMMON + StepCoefficients.OWN;
  private static final int SLOTS = 3;
  // Blocks beyond which threads take several groups each.
  private static final long MAX_GRID = 1 << 20;

  private final CudaQueue queue;
  private final CudaMemory memory;
  private final VectorSums sums;
  private final DType dtype;
  private final CudaLaunch write;
  private final CudaLaunch step;
  private final CudaLaunch clip;

  CudaStep(
      CudaQueue queue,
      CudaMemory memory,
      VectorSums sums,
      StepControls controls,
      String kernel,
      DType dtype) {
    this.queue = queue;
    this.memory = memory;
    this.sums = sums;
    this.dtype = dtype;
    StepControls.Control control = controls.take(this);
    Arena arena = control.launches;
    write =
        new CudaLaunch(
                arena,
                queue.modules.kernel("step_control", "write_step_control"),
                new int[] {1, WORDS, WORDS})
            .put(0, control.address)
            .shape(1, 1, 32, 1);
    String file = kernel + "_step";
    String name = file + (dtype == DType.F32 ? "_f32" : "_f64");
    step = new CudaLaunch(arena, queue.modules.kernel(file, name), 9).put(8, control.address);
    clip =
        new CudaLaunch(arena, queue.modules.kernel("clip_norm", "clip_norm"), 4)
            .put(3, control.address)
            .shape(1, 1, 1, 1);
    queue.launch(
        new CudaLaunch(arena, queue.modules.kernel("step_control", "reset_clip"), 1)
            .put(0, control.address)
            .shape(1, 1, 1, 1));
  }

  /** The kernel for a rule, or null if there is none. */
  static String kernel(UpdateRule rule) {
    return switch (rule) {
      case GradientDescent _ -> "descent";
      case Sgd sgd when !sgd.hasMomentum() -> "descent";
      case Sgd sgd -> sgd.nesterov() ? "nesterov" : "momentum";
      case Adam adam -> adam.amsgrad() ? "amsgrad" : "adam";
      case RmsProp r ->
          r.centered()
              ? (r.hasMomentum() ? "centred_heavy_rmsprop" : "centred_rmsprop")
              : (r.hasMomentum() ? "heavy_rmsprop" : "rmsprop");
      default -> null;
    };
  }

  @Override
  public void apply(
      Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
    synchronized (queue) {
      queue.enter();
      write(c, c);
      long offset = first * dtype.bytes();
      step(p, g, slots, offset, count, count);
    }
  }

  @Override
  public void applyAll(
      Tensor p,
      Tensor g,
      Tensor[] slots,
      long split,
      StepCoefficients penalized,
      StepCoefficients exempt) {
    synchronized (queue) {
      queue.enter();
      write(penalized, exempt);
      step(p, g, slots, 0, split, p.count());
    }
  }

  private void write(StepCoefficients penalized, StepCoefficients exempt) {
    queue.claim(write);
    put(1, penalized);
    put(2, exempt);
    queue.defer(write);
  }

  /** In the order of {@code StepCoefficients} in step.cuh. */
  private void put(int argument, StepCoefficients c) {
    write.putInside(argument, 0, c.gradientScale);
    write.putInside(argument, 1, c.clipValue);
    write.putInside(argument, 2, c.coupledDecay);
    write.putInside(argument, 3, c.shrink);
    write.putInside(argument, 4, c.l1Step);
    for (int i = 0; i < StepCoefficients.OWN; i++) {
      write.putInside(argument, COMMON + i, c.own[i]);
    }
  }

  private void step(Tensor p, Tensor g, Tensor[] slots, long offset, long split, long count) {
    queue.claim(step).put(0, memory.address(p) + offset, memory.address(g) + offset);
    for (int s = 0; s < SLOTS; s++) {
      step.put(2 + s, s < slots.length ? memory.address(slots[s]) + offset : 0);
    }
    int first = split == 0 ? 1 : 0;
    int parts = split == 0 || split == count ? 1 : 2;
    long longest = Math.max(split, count - split);
    long groups = Math.ceilDiv(longest * dtype.bytes(), GROUP_BYTES);
    step.put(5, split, count, first)
        .shape(Math.clamp(Math.ceilDiv(groups, THREADS), 1, MAX_GRID), parts, THREADS, 1);
    queue.defer(step);
    queue.flush();
  }

  @Override
  public boolean clipNorm(Tensor g, double bound) {
    synchronized (queue) {
      queue.enter();
      sums.squares(dtype, memory.address(g), g.count());
      queue
          .claim(clip)
          .put(0, sums.sumAddress(), dtype == DType.F64 ? sums.largestAddress() : 0)
          .put(2, bound);
      queue.defer(clip);
      return true;
    }
  }
}
