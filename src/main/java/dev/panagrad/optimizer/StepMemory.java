package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/** What a step writes: the parameters, the rule's state, the average if one is kept. */
final class StepMemory {
  final Tensor[] slots; // the state vectors, each as the tensors of its format
  final RunningMean average; // null if none is kept
  private final Tensor flat;
  private final Tensor[] written;
  private Tensor checkedGradient;

  StepMemory(Optimizer.Builder options, Parameters parameters, Backend backend, TensorArena arena) {
    flat = parameters.flat();
    StateFormat format = options.format;
    List<String> names = options.rule.slots();
    int parts = format.tensorsPerSlot();
    slots = new Tensor[names.size() * parts];
    for (int i = 0; i < slots.length; i++) {
      slots[i] =
          backend.allocate(
              arena,
              options.rule.name() + "." + format.tensorName(i % parts, names.get(i / parts)),
              format.dtype(i % parts, flat.dtype()),
              Shape.of(format.count(i % parts, flat.count())));
    }
    average = options.averaging == null ? null : RunningMean.of(backend, arena, "average", flat);
    List<Tensor> all = new ArrayList<>(List.of(slots));
    all.add(flat);
    if (average != null) {
      all.add(average.vector());
    }
    written = all.toArray(Tensor[]::new);
  }

  /** Requires that all is alive, and the gradient like the parameters and apart from all. */
  void require(Tensor gradient) {
    if (gradient != checkedGradient) {
      gradient.requireDType(flat.dtype());
      gradient.requireCount(flat.count());
      gradient.requireContiguous();
      if (gradient.isHost() != flat.isHost()) {
        throw new IllegalArgumentException(
            "gradient '%s' and parameters '%s' are not in the memory of the same device"
                .formatted(gradient.name(), flat.name()));
      }
      for (Tensor tensor : written) {
        gradient.requireDisjoint(tensor);
      }
      checkedGradient = gradient;
    }
    gradient.requireUsable();
    for (Tensor tensor : written) {
      tensor.requireUsable();
    }
  }
}
