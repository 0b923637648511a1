package dev.panagrad.regression;

/**
 * A model does not have the features and targets, in their order, or the link that its place needs.
 * The message says which differ; what was there before is unchanged.
 */
public final class ModelMismatchException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  ModelMismatchException(String message) {
    super(message);
  }
}
