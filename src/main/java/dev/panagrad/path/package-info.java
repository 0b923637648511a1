/**
 * Regularization paths: the models for a hundred or so strengths of a penalty, and which of them
 * predicts rows best that it has not seen, by k-fold cross-validation.
 *
 * <p>Rows are read three times, whatever the number of values and folds: for ranges, means, and
 * products of columns, of each fold by itself ({@link dev.panagrad.regression.NormalEquations}).
 * All models, and their errors on rows that were left out, follow from these sums. Sums of several
 * folds are merged by adding, so that nothing cancels; taking a fold out of the sums of all rows
 * would save a matrix per fold, and lose the digits of what varies mostly in that fold.
 */
package dev.panagrad.path;
