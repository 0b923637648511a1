package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.penalty.Penalty;
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
    if (format.isCompact() && flat.dtype() != DType.F32) {
      throw new IllegalArgumentException(
          "state as %s is for F32 parameters, found %s: what it rounds away is more than F64 adds to F32"
              .formatted(format, flat.dtype()));
    }
    UpdateRule rule = options.rule;
    refuse(rule, "keep its state as " + format, rule.unsupportedReason(format));
    refuse(rule, "step parameters of " + flat.dtype(), rule.unsupportedReason(flat.dtype()));
    requirePenalty(rule, options.penalty);
    for (ParameterGroup group : options.groups) {
      if (group.penalty() != null) {
        requirePenalty(rule, group.penalty());
      }
    }
  }

  private static void requirePenalty(UpdateRule rule, Penalty penalty) {
    if (penalty.l1() > 0) {
      refuse(rule, "have the L1 penalty " + penalty.l1(), rule.unsupportedL1Reason());
    }
  }

  private static void refuse(UpdateRule rule, String what, Optional<String> reason) {
    if (reason.isPresent()) {
      throw new IllegalArgumentException(
          "rule '%s' cannot %s: %s".formatted(rule.name(), what, reason.get()));
    }
  }
}
