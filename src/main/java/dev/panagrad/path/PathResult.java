package dev.panagrad.path;

import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.rule.Checks;
import java.util.Arrays;
import java.util.List;

/**
 * Holds a regularization path and its cross-validation.
 *
 * @param kind what the values are the strength of
 * @param share of L1 in an elastic net, else 1
 * @param values strengths, decreasing
 * @param coefficients of the models of all rows, in raw units, [value][feature]
 * @param intercepts of these models, [value]; zeros without intercept
 * @param trainingMse their mean squared error on all rows, [value]
 * @param foldMse mean squared error on each fold's rows of the model of the others, [value][fold]
 * @param validationMse mean over folds, [value], each fold counting alike
 * @param standardError of that mean: the standard deviation over folds (divisor k - 1) over the
 *     root of k, [value]; rather too small, as folds share most of their training rows
 * @param chosenIndex of the value with the least mean error; of several, the strongest penalty
 * @param oneStandardErrorIndex of the strongest penalty whose mean error is at most one standard
 *     error above the least
 * @param constantFeatures with coefficient 0
 * @param passes over the rows
 * @param multiplyAdds of the solver, for all models
 * @param unconverged how many of the models, of all rows or of all but a fold, have not converged;
 *     0 unless columns are nearly collinear, or values tiny
 */
@SuppressWarnings("ArrayRecordComponent") // a result that is read once, not compared
public record PathResult(
    List<String> features,
    String target,
    PathPenalty kind,
    double share,
    double[] values,
    double[][] coefficients,
    double[] intercepts,
    double[] trainingMse,
    double[][] foldMse,
    double[] validationMse,
    double[] standardError,
    int chosenIndex,
    int oneStandardErrorIndex,
    List<String> constantFeatures,
    int passes,
    double multiplyAdds,
    int unconverged) {
  private int at(int index) {
    return Checks.index("the path", "value", index, values.length);
  }

  /** Returns a value's penalty, for features in standard deviations and the target in raw units. */
  public Penalty penalty(int index) {
    return kind.penalty(values[at(index)], share);
  }

  /** Counts the coefficients of a value's model that are not zero. */
  public int nonzero(int index) {
    return (int) Arrays.stream(coefficients[at(index)]).filter(x -> x != 0).count();
  }

  /** Returns a value's model, in raw units. */
  public LinearModel model(int index) {
    return new LinearModel(
        features,
        List.of(target),
        new double[][] {coefficients[at(index)]},
        new double[] {intercepts[index]});
  }
}
