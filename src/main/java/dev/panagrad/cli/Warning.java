package dev.panagrad.cli;

import java.util.Locale;

/** Every warning of the program, as a format of what is printed on standard error. */
enum Warning {
  FEW_ROWS(
      "fewer rows (%,d%s) than features (%,d): many coefficients give the same loss; consider --l2"),
  F32_STEPS(
      "column '%s' is between %.9g and %.9g, where f32 has steps of %.3g; consider --dtype f64"),
  F32_ZEROS(
      "values other than zero are zero, or keep few digits, as f32, whose digits end at 1.2e-38; by column: %s; consider --dtype f64, or give the columns another unit"),
  F32_FILE("columns vary by few steps of f32: %s; consider --dtype f64"),
  CONSTANT("constant columns carry no information and get coefficient 0: %s"),
  DEPENDENT("%s%s; other coefficients give the same loss%s"),
  METRIC("%s is not known: %s"),
  ONE_CLASS(
      "all training rows are of one class: the intercept grows as long as training goes on; use data with both classes"),
  SEPARABLE(
      "the classes are separable: the loss has no minimum, and coefficients grow as long as training goes on; add --l2"),
  CONSTANT_TARGET(
      "%s is constant on the training rows: R2 is undefined, and the intercept alone fits it"),
  ILL_CONDITIONED(
      "the problem is ill-conditioned: X^T X has condition number %s, and optimizers that step need about as many passes; %s"),
  STEPS_TO_THE_END("%s: %s stops %s; %s"),
  NO_MINIMUM(
      "the loss has no minimum: some coefficients grow without end, as where a group has one class or zeros alone; add --l2"),
  NO_BOUND("how far the loss is above its minimum is not known: %s"),
  ROUNDING("rounding leaves the loss up to %.3g above its minimum: %s"),
  UNFINISHED("%s has not converged in %,d epochs: give more --epochs%s"),
  NO_PROGRESS("stopped: no progress%s; coefficients may have fewer digits than are printed"),
  NO_AVERAGE(
      "--average mean:%d: there were %,d steps, so that the model is that of the last one, not a mean; take an earlier step"),
  POOR_STEPS("the model is worse than a constant (%s %.3g): %s"),
  POOR_END("the model is worse than a constant (%s %.3g); it ended before the minimum"),
  POOR_CHOICE(
      "the model is worse than a constant (%s %.3g), and was chosen by the rows held out; --keep last takes the last epoch's"),
  POOR_ORIGIN(
      "the model is worse than a constant (%s %.3g), which it cannot be, through the origin; leave out --no-intercept"),
  POOR_MINIMUM(
      "the model is worse than a constant (%s %.3g): the penalty, class weights or the loss ask for that"),
  UNFINISHED_PATH(
      "%,d models have not converged to a duality gap of 1e-10 of their objective; consider a larger --ratio, or dropping features that nearly repeat others");

  private final String format;

  Warning(String format) {
    this.format = format;
  }

  /** What is printed, with conversions such as {@code %s} in it. */
  String format() {
    return format;
  }

  void print(Object... values) {
    System.err.println("panagrad: warning: " + String.format(Locale.ROOT, format, values));
  }
}
