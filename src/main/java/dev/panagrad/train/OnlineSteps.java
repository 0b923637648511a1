package dev.panagrad.train;

import dev.panagrad.backend.DenseRows;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.train.online.OnlineFit;
import dev.panagrad.train.online.RowGuard.Verdict;
import dev.panagrad.train.online.Turn;
import java.util.Iterator;
import java.util.Locale;

/**
 * The steps of an online regression: what the guard says of a batch, and what follows from it.
 *
 * <p>Threading: one thread at a time, which the regression sees to.
 */
final class OnlineSteps {
  private final OnlineFit fit;
  private final boolean isRestoring;
  private DivergenceWatch watch; // without a guard
  private long refused;
  private long returns;
  private boolean isHopeless;

  OnlineSteps(OnlineFit fit, boolean isRestoring) {
    this.fit = fit;
    this.isRestoring = isRestoring;
    watch = newWatch();
  }

  private DivergenceWatch newWatch() {
    return new DivergenceWatch(fit.dtype(), Double.NaN, 0, OnlineSteps::advice);
  }

  double step(long rows, double squares) {
    requireHope();
    requireTargets(rows);
    double loss = fit.look(rows);
    if (fit.guard() != null) {
      Verdict verdict = fit.judge(rows);
      if (verdict != Verdict.ACCEPTED) {
        throw refusal(verdict, loss, rows);
      }
    } else {
      watch.requireUseful(
          fit.watched(), squares, "at", step(), 0, fit.optimizer().lastLearningRate());
    }
    fit.step(rows);
    return loss;
  }

  private long step() {
    return fit.optimizer().steps() + 1;
  }

  void requireHope() {
    if (isHopeless) {
      throw new DivergedModelException(
          "the parameters have diverged by step %d, and rows cannot mend them: go back by rollBack(), or begin again by reset(), with a lower learning rate"
              .formatted(step() - 1),
          step(),
          false);
    }
  }

  private void requireTargets(long rows) {
    int unfit = fit.unfitTarget(rows);
    if (unfit >= 0) {
      refused++;
      throw new RefusedRowException(
          "target '%s' has a value that the loss '%s' does not take: refused, nothing changed"
              .formatted(fit.targets().get(unfit), fit.loss().name()),
          step(),
          false);
    }
  }

  /** What to throw, after what is to be done. */
  private DivergenceException refusal(Verdict verdict, double loss, long rows) {
    String what = what(loss, rows);
    refused++;
    boolean isFault =
        verdict == Verdict.DIVERGED
            || verdict == Verdict.BAD_START
            || !fit.hasFiniteParameters()
            || (verdict == Verdict.CHANGED && fit.isUsualForGood(rows));
    if (!isFault) {
      if (verdict == Verdict.CHANGED) {
        fit.guard().learnAnew();
      }
      String change =
          "; %d rows or batches were refused: the stream has changed, and bounds are learned anew"
              .formatted(fit.limit());
      return new RefusedRowException(
          verdict == Verdict.CHANGED ? what + change : what, step(), verdict == Verdict.CHANGED);
    }
    long before = step();
    if (!isRestoring) {
      isHopeless = true;
      return new DivergedModelException(
          "the parameters have diverged: %s; they stay until rollBack() or reset()".formatted(what),
          before,
          false);
    }
    returns++;
    if (verdict == Verdict.BAD_START) {
      fit.restartFromGood();
    } else {
      fit.restoreGood();
    }
    return new DivergedModelException(
        "training diverged: %s; the parameters have returned to those after step %d"
            .formatted(what, step() - 1),
        before,
        true);
  }

  StreamResult fit(Iterator<DenseRows> batches, Turn turn) {
    return fit.guard() == null ? fitAhead(batches, turn) : fitGuarded(batches, turn);
  }

  private StreamResult fitGuarded(Iterator<DenseRows> batches, Turn turn) {
    Pass pass = new Pass();
    while (batches.hasNext()) {
      DenseRows batch = batches.next();
      turn.requireOpen();
      pass.batches++;
      double squares = fit.take(batch);
      try {
        if (fit.meanWeight() != 0) {
          pass.add(step(batch.count(), squares), batch.count());
        }
      } catch (RefusedRowException e) {
        pass.refused++;
        pass.changes += e.isOtherStream() ? 1 : 0;
      }
    }
    return pass.result();
  }

  private StreamResult fitAhead(Iterator<DenseRows> batches, Turn turn) {
    Pass pass = new Pass();
    fit.beginAhead();
    double squares = 0;
    while (batches.hasNext()) {
      DenseRows batch = batches.next();
      turn.requireOpen();
      squares = Math.max(squares, fit.take(batch));
      pass.batches++;
      if (fit.meanWeight() == 0) {
        continue;
      }
      if (fit.lookAhead(batch.count())) {
        readAhead(pass, squares);
        squares = 0;
      }
      fit.step(batch.count());
    }
    readAhead(pass, squares);
    return pass.result();
  }

  private void readAhead(Pass pass, double squares) {
    int read = fit.readAhead();
    for (int batch = 0; batch < read; batch++) {
      double raw = fit.ahead(batch);
      watch.requireUseful(
          fit.watched(), squares, "at", fit.aheadStep(batch), 0, fit.aheadRate(batch));
      pass.add(raw, fit.aheadRows(batch));
    }
  }

  /** What a pass over a stream adds up. */
  private final class Pass {
    private final long before = fit.optimizer().steps();
    private final long skippedBefore = fit.optimizer().skippedSteps();
    private long batches;
    private long rows;
    private long refused;
    private long changes;
    private double sum;

    void add(double loss, long count) {
      sum += loss * count;
      rows += count;
    }

    StreamResult result() {
      return new StreamResult(
          batches,
          fit.optimizer().steps() - before,
          fit.optimizer().skippedSteps() - skippedBefore,
          rows,
          rows == 0 ? Double.NaN : sum / rows,
          refused,
          changes);
    }
  }

  LinearModel model() {
    requireHope();
    if (fit.guard() != null && fit.guard().isWorseThanNone()) {
      throw new DivergedModelException(
          "recent losses are 100 times those of a model of zeros and of the start: after step %d the parameters diverge, or have not followed a change of the stream; serve the model before, and go on or roll back"
              .formatted(step() - 1),
          step() - 1,
          false);
    }
    LinearModel model = fit.model();
    for (int j = 0; j < fit.targets().size(); j++) {
      if (!model.isFinite(j)) {
        throw new DivergedModelException(
            "the parameters of target '%s' are not finite after step %d, with learning rate %s"
                .formatted(fit.targets().get(j), step() - 1, fit.optimizer().lastLearningRate()),
            step() - 1,
            false);
      }
    }
    return model;
  }

  void rollBack() {
    if (fit.guard() == null) {
      throw new IllegalStateException(
          "a regression without guard keeps no good parameters to go back to; reset() begins again");
    }
    fit.restoreGood();
    isHopeless = false;
  }

  void reset() {
    fit.reset();
    watch = newWatch();
    isHopeless = false;
  }

  /** A file is where it is now. */
  void restored() {
    watch = newWatch();
    isHopeless = false;
  }

  long refused() {
    return refused;
  }

  long returns() {
    return returns;
  }

  private String what(double loss, long rows) {
    if (step() == 1 && !Double.isFinite(loss)) {
      return "the loss of the first batch is %s before any step: the data has values that are not finite or too large for %s"
          .formatted(loss, fit.dtype());
    }
    double length = Math.sqrt(fit.gradientSquares());
    if (step() == 1) {
      return "the gradient of the first batch has length %s: the data has values that are too large for %s"
          .formatted(length, fit.dtype());
    }
    int odd = fit.oddFeature(rows);
    return String.format(
        Locale.ROOT,
        "at step %d the loss is %.4g with a gradient of length %.4g, after means of %.4g and %.4g%s; %s",
        step(),
        loss,
        length,
        fit.guard().meanLoss(),
        Math.sqrt(fit.guard().meanGradient()),
        odd < 0 ? "" : ", and feature '" + fit.features().get(odd) + "' is not finite",
        advice(fit.optimizer().lastLearningRate()));
  }

  private static String advice(double rate) {
    return String.format(
        Locale.ROOT,
        "if these rows are as others, try a learning rate of %.2g or standardize the features; if their values are not finite or far outside, leave them out",
        rate / 10);
  }
}
