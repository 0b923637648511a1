package dev.panagrad.benchmark.ratio;

import dev.panagrad.rule.Adam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;

/** The update rules that are compared, with the options that {@link TorchPeer}'s script repeats. */
enum StepRule {
  ADAM("Adam", "adam", 2, Adam.of(1e-3)),
  MOMENTUM("SGD momentum", "momentum", 1, Sgd.of(1e-3).withMomentum(0.9)),
  RMSPROP("RMSProp", "rmsprop", 1, RmsProp.of(1e-3));

  final String title;

  /** The function of the script. */
  final String torchFunction;

  /** State vectors per parameter. */
  final int slots;

  final UpdateRule ours;

  StepRule(String title, String torchFunction, int slots, UpdateRule ours) {
    this.title = title;
    this.torchFunction = torchFunction;
    this.slots = slots;
    this.ours = ours;
  }
}
