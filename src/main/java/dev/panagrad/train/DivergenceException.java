package dev.panagrad.train;

import dev.panagrad.regression.LinearModel;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * The loss became infinite or NaN, or grew beyond use; the message says when and what to try. An
 * {@link OnlineRegression} says by the type which it was: {@link RefusedRowException} for the rows,
 * {@link DivergedModelException} for the parameters.
 */
public sealed class DivergenceException extends RuntimeException
    permits RefusedRowException, DivergedModelException {
  private static final long serialVersionUID = 1;
  private final long step;
  private final String template; // the message, with options as Option.fill wants
  private final transient LinearModel best;

  DivergenceException(String template, long step) {
    this(template, step, null, null);
  }

  private DivergenceException(String template, long step, LinearModel best, Throwable cause) {
    super(Option.fill(template, Option::text), cause);
    this.template = template;
    this.step = step;
    this.best = best;
  }

  DivergenceException with(LinearModel model, long epoch, double loss) {
    String before =
        String.format(Locale.ROOT, "; the best loss before was %.6g, after epoch %d", loss, epoch);
    return new DivergenceException(template + before, step, model, this);
  }

  /** Returns the message, whose options have these names. */
  public String message(Function<Option, String> names) {
    return Option.fill(template, names);
  }

  /** Returns the model of the lowest loss before, if any, of up to 16 million parameters. */
  public Optional<LinearModel> best() {
    return Optional.ofNullable(best);
  }

  /** Returns the optimizer step at which it was seen, from 1. */
  public long step() {
    return step;
  }
}
