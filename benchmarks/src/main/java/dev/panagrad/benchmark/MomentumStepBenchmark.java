package dev.panagrad.benchmark;

import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;

/** One SGD step with momentum. 20 bytes move per F32 parameter, 40 per F64 parameter. */
public class MomentumStepBenchmark extends StepBenchmark {
  @Override
  UpdateRule rule() {
    return Sgd.of(1e-3).withMomentum(0.9);
  }
}
