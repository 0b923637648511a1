package dev.panagrad.benchmark;

import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.UpdateRule;

/** One RMSProp step. 20 bytes move per F32 parameter, 40 per F64 parameter. */
public class RmsPropStepBenchmark extends StepBenchmark {
  @Override
  UpdateRule rule() {
    return RmsProp.of(1e-3);
  }
}
