package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.util.Optional;

/** What must hold of options, parameters and backend for an optimizer to be built. */
final class Requirements {
  private Requirements() {}

  static void check(Optimizer.Builder options, Tensor flat, Backend backend) {
    if (flat.isHost() != backend.usesHostMemory()) {
      String found = flat.isHost() ? "in host memory" : "on a device";
      String needed = flat.isHost() ? "on its device" : "in host memory";
      throw new IllegalArgumentException(
          "parameters '%s' are %s, backend '%s' computes %s; allocate them with Backend.allocate"
              .formatted(flat.name(), found, backend.name(), needed));
    }
    flat.requireWritable();
    StateFormat format = options.format;
    if (!backend.stateFormats().contains(format)) {
      throw new IllegalArgumentException(
          "backend '%s' keeps state as %s, and %s was asked for; backends in host memory have all formats"
              .formatted(backend.name(), backend.stateFormats(), format));
    }
    UpdateRule rule = options.rule;
    refuse(rule, "keep its state as " + format, unsupportedState(options, flat.dtype()));
    refuse(rule, "step parameters of " + flat.dtype(), rule.unsupportedReason(flat.dtype()));
    refuse(rule, "have the L1 penalty " + largestL1(options), unsupportedL1(options));
  }

  static Optional<String> unsupportedState(Optimizer.Builder options, DType type) {
    return options.format.isCompact() && type != DType.F32
        ? Optional.of(
            "it is for F32 parameters, found %s: what it rounds away is more than F64 adds to F32"
                .formatted(type))
        : options.rule.unsupportedReason(options.format);
  }

  static Optional<String> unsupportedL1(Optimizer.Builder options) {
    return largestL1(options) > 0 ? options.rule.unsupportedL1Reason() : Optional.empty();
  }

  private static double largestL1(Optimizer.Builder options) {
    double largest = options.penalty.l1();
    for (ParameterGroup group : options.groups) {
      largest = group.penalty() == null ? largest : Math.max(largest, group.penalty().l1());
    }
    return largest;
  }

  private static void refuse(UpdateRule rule, String what, Optional<String> reason) {
    if (reason.isPresent()) {
      throw new IllegalArgumentException(
          "rule '%s' cannot %s: %s".formatted(rule.name(), what, reason.get()));
    }
  }
}
