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

  /** Throws unless these options, parameters and backend go together. */
  static void check(Optimizer.Builder options, Tensor flat, Backend backend) {
    if (flat.isHost() != backend.usesHostMemory()) {
      throw new IllegalArgumentException(
          "parameters '%s' are %s, backend '%s' computes %s; allocate them with Backend.allocate"
              .formatted(
                  flat.name(),
                  flat.isHost() ? "in host memory" : "on a device",
                  backend.name(),
                  backend.usesHostMemory() ? "in host memory" : "on its device"));
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

  /** Why the rule cannot keep its state as asked, for parameters of that type. */
  static Optional<String> unsupportedState(Optimizer.Builder options, DType type) {
    return options.format.isCompact() && type != DType.F32
        ? Optional.of(
            "it is for F32 parameters, found %s: what it rounds away is more than F64 adds to F32"
                .formatted(type))
        : options.rule.unsupportedReason(options.format);
  }

  /** Why the rule cannot have the L1 penalties asked for. */
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
