package dev.panagrad.benchmark;

import dev.panagrad.rule.Adam;
import dev.panagrad.rule.UpdateRule;

/** One Adam step. 28 bytes move per F32 parameter, 56 per F64 parameter. */
public class AdamStepBenchmark extends StepBenchmark {
  @Override
  UpdateRule rule() {
    return Adam.of(1e-3);
  }
}
