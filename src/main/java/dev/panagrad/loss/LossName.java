package dev.panagrad.loss;

/**
 * Losses as the texts that the command line and model files use: {@code squared}, {@code
 * huber:1.35}, {@code logistic}, {@code poisson}, {@code quantile:0.9}.
 */
public final class LossName {
  private static final String ACCEPTED =
      "must be squared, huber:DELTA, logistic, poisson or quantile:TAU";

  /** More than any double needs. */
  private static final int MAX_CHARACTERS = 32;

  private LossName() {}

  /**
   * The text of a loss, with its parameter to the last bit.
   *
   * @throws IllegalArgumentException if it is none of this package
   */
  public static String of(Loss loss) {
    return switch (loss) {
      case Huber huber -> huber.name() + ":" + huber.delta();
      case Quantile quantile -> quantile.name() + ":" + quantile.tau();
      case Squared squared -> squared.name();
      case Logistic logistic -> logistic.name();
      case Poisson poisson -> poisson.name();
      default ->
          throw new IllegalArgumentException(
              "a loss with a text " + ACCEPTED + ", found '" + loss.name() + "'");
    };
  }

  /**
   * The loss of a text.
   *
   * @throws IllegalArgumentException if there is none; the message is short and does not have the
   *     text, which may be anything
   */
  public static Loss parse(String text) {
    int colon = text.indexOf(':');
    String name = colon < 0 ? text : text.substring(0, colon);
    String number = colon < 0 ? null : text.substring(colon + 1);
    return switch (name) {
      case "squared" -> alone(new Squared(), number);
      case "logistic" -> alone(new Logistic(), number);
      case "poisson" -> alone(new Poisson(), number);
      case "huber" -> new Huber(number(name, number, 1.5));
      case "quantile" -> new Quantile(number(name, number, 0.9));
      default -> throw new IllegalArgumentException(ACCEPTED);
    };
  }

  private static Loss alone(Loss loss, String number) {
    if (number != null) {
      throw new IllegalArgumentException(loss.name() + " takes no number");
    }
    return loss;
  }

  private static double number(String name, String number, double example) {
    if (number != null && number.length() <= MAX_CHARACTERS) {
      try {
        return Double.parseDouble(number);
      } catch (NumberFormatException e) {
        // Said below.
      }
    }
    throw new IllegalArgumentException(
        "%s needs a number, such as %s:%s".formatted(name, name, example));
  }
}
