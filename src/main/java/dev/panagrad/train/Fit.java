package dev.panagrad.train;

import dev.panagrad.data.Dataset;
import dev.panagrad.encoding.ClassLabels;
import dev.panagrad.loss.Loss;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelMismatchException;
import java.util.Arrays;

/** What is fitted; the start is null for zeros. */
record Fit(
    boolean hasIntercept,
    boolean isStandardized,
    boolean isCertified,
    boolean keepsBest,
    LinearModel start) {
  /** Refuses data that the model to start from is not of. */
  void requireStart(Dataset data, Loss loss) {
    try {
      start.in(data.features(), data.targets(), loss);
    } catch (ModelMismatchException e) {
      throw PlanException.misfit(Option.START, e.getMessage(), "start from a model of these data");
    }
    for (int j = 0; j < data.targets().size() && data.encoding() != null; j++) {
      ClassLabels here = data.encoding().classes(j);
      ClassLabels there = start.classes(j).orElse(here);
      if (here != null && !here.equals(there)) {
        throw PlanException.misfit(
            Option.START,
            "the model to start from has '%s' as class 1 of '%s', the data have '%s'"
                .formatted(there.positive(), data.targets().get(j), here.positive()),
            "name the same class as the positive one");
      }
    }
    if (!hasIntercept && Arrays.stream(start.intercepts()).anyMatch(b -> b != 0)) {
      throw PlanException.misfit(
          Option.NO_INTERCEPT, "the model to start from has an intercept", "train with one");
    }
  }
}
