package dev.panagrad.benchmark.ratio;

import dev.panagrad.rule.Adam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import java.util.List;

/**
 * The update rules that are compared, with the options that the peers' scripts and loops repeat.
 */
enum StepRule {
  ADAM("Adam", 2, Adam.of(1e-3), new TorchForm("fused", "adam")),
  MOMENTUM("SGD momentum", 1, Sgd.of(1e-3).withMomentum(0.9), new TorchForm("fused", "momentum")),
  RMSPROP(
      "RMSProp",
      1,
      RmsProp.of(1e-3),
      new TorchForm("default", "rmsprop"),
      new TorchForm("foreach", "rmsprop_foreach"));

  /**
   * A way in which PyTorch makes the step.
   *
   * @param name PyTorch's word for it
   * @param function the function of the script
   */
  record TorchForm(String name, String function) {}

  final String title;

  /** State vectors per parameter. */
  final int slots;

  final UpdateRule ours;

  final List<TorchForm> torchForms;

  StepRule(String title, int slots, UpdateRule ours, TorchForm... torchForms) {
    this.title = title;
    this.slots = slots;
    this.ours = ours;
    this.torchForms = List.of(torchForms);
  }
}
