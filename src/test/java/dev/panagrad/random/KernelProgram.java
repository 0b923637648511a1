package dev.panagrad.random;

import dev.panagrad.random.Engines.Engine;
import java.util.List;

/**
 * Random calls of the linear algebra, each on every engine from the same bytes. A call that must be
 * refused is refused everywhere, and no byte changes; any other leaves the right results, the same
 * to the last bit for any number of threads, and nothing else.
 */
final class KernelProgram extends Program {
  private static final int CALLS = 20;

  private final Engines engines;
  private final boolean isSmall;
  private final GuardedMemory memory;
  private final Outcasts outcasts = new Outcasts(8 << 20);

  private KernelProgram(String kind, Engines engines, boolean isSmall) {
    super(kind);
    this.engines = engines;
    this.isSmall = isSmall;
    memory = new GuardedMemory(isSmall ? 1 << 18 : 8 << 20, isSmall);
  }

  static KernelProgram ofHosts() {
    return new KernelProgram("kernels", Engines.host(), false);
  }

  /** Calls on few numbers, as every one of them copies the memory to the device and back. */
  static KernelProgram ofDevices() {
    return new KernelProgram("devices", Engines.devices(), true);
  }

  /** Whether there is any other engine than the reference. */
  boolean hasEngines() {
    return engines.all.size() > 1;
  }

  @Override
  void run(Choices choices) {
    for (int i = 0; i < CALLS; i++) {
      memory.clear();
      KernelOperands operands = new KernelOperands(choices, memory, outcasts);
      call(() -> "the preparation of a call");
      KernelCall call = next(operands);
      memory.remember();
      String first = null;
      String expected = null;
      for (Engine engine : engines.all) {
        call(() -> engine + ": " + call.words());
        memory.restore();
        String outcome = one(engine, operands, call);
        if (engine.threads() == 1) {
          memory.keep();
          expected = outcome;
        }
        first = first == null ? outcome : first;
        if (!outcome.equals(expected) || memory.differs() != null) {
          throw new AssertionError(
              "%s where one thread ends with %s; %s"
                  .formatted(outcome, expected, memory.differs()));
        }
        if (operands.refusal() != null && !engine.isDevice() && !outcome.equals(first)) {
          throw new AssertionError(outcome + " where the first engine says: " + first);
        }
      }
    }
  }

  private KernelCall next(KernelOperands operands) {
    boolean isLarge = !isSmall && operands.choices.oneIn(60);
    return switch (operands.choices.below(4)) {
      case 0 -> VectorCalls.of(operands, isSmall ? 65 : isLarge ? 40_003 : 257);
      case 1 -> ProductCalls.of(operands, isSmall ? 17 : isLarge ? 258 : 40);
      default ->
          GradientCalls.of(
              operands, isSmall ? 33 : isLarge ? 2_000 : 70, isSmall ? 33 : isLarge ? 40 : 70);
    };
  }

  /** Runs it, and says how it ended. */
  private String one(Engine engine, KernelOperands operands, KernelCall call) {
    Object result;
    try {
      result = call.call().apply(engine.backend().linear());
    } catch (RuntimeException thrown) {
      Refusals.requireDocumented(thrown);
      String changed = memory.changed(List.of());
      boolean isExpected =
          operands.refusal() != null
              || (engine.isDevice()
                  && thrown.getMessage().contains("use a backend in host memory"));
      if (!isExpected || changed != null) {
        throw new AssertionError(
            "expected %s; %s; it threw %s"
                .formatted(
                    operands.refusal() == null ? "a result" : operands.refusal(), changed, thrown),
            thrown);
      }
      ended(true);
      // Of several threads that read the index, one finds a number first.
      return operands.isRowMissing() ? thrown.getClass().getSimpleName() : Refusals.text(thrown);
    }
    if (operands.refusal() != null) {
      throw new AssertionError("accepted, and " + operands.refusal());
    }
    String changed = memory.changed(call.outputs());
    if (changed != null) {
      throw new AssertionError(changed);
    }
    if (engine.threads() == 1 && !operands.isSpecial) {
      call.verify().accept(result);
    }
    return result instanceof Double d
        ? Long.toHexString(Double.doubleToRawLongBits(d))
        : String.valueOf(result);
  }

  @Override
  public void close() {
    engines.close();
    memory.close();
  }
}
