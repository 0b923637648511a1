package dev.panagrad.loss;

import java.util.List;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;

/**
 * Reads losses from texts, as model files have them. The text of one is its name, followed by a
 * colon and a number if it takes one: {@code squared}, {@code huber:1.35}.
 */
public final class Losses {
  /** Lists the texts that {@link #parse} reads, with a word on each. */
  public static final String HELP =
      "squared; huber:DELTA, linear beyond DELTA; logistic, for targets 0 and 1; poisson, for counts; quantile:TAU.";

  private static final List<Form> FORMS =
      List.of(
          Form.alone(new Squared()),
          new Form("huber", "DELTA", 1.5, Huber::new),
          Form.alone(new Logistic()),
          Form.alone(new Poisson()),
          new Form("quantile", "TAU", 0.9, Quantile::new));

  private static final int MAX_CHARACTERS = 32; // more than any double needs

  /** How a loss is written, with the name of its number, or null, and a usual one. */
  private record Form(String name, String parameter, double example, DoubleFunction<Loss> loss) {
    static Form alone(Loss loss) {
      return new Form(loss.name(), null, 0, _ -> loss);
    }

    @Override
    public String toString() {
      return parameter == null ? name : name + ":" + parameter;
    }
  }

  private Losses() {}

  /** Reads a loss; throws {@link IllegalArgumentException}, without the text, for other texts. */
  public static Loss parse(String text) {
    int colon = text.indexOf(':');
    String name = colon < 0 ? text : text.substring(0, colon);
    for (Form form : FORMS) {
      if (form.name.equals(name)) {
        return parse(form, colon < 0 ? null : text.substring(colon + 1));
      }
    }
    throw new IllegalArgumentException(accepted());
  }

  private static Loss parse(Form form, String number) {
    if (form.parameter == null && number != null) {
      throw new IllegalArgumentException(form.name + " takes no number");
    }
    try {
      if (form.parameter != null && (number == null || number.length() > MAX_CHARACTERS)) {
        throw new NumberFormatException();
      }
      return form.loss.apply(number == null ? 0 : Double.parseDouble(number));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "%s needs a number, such as %s:%s".formatted(form.name, form.name, form.example), e);
    }
  }

  /** Returns the text from which {@link #parse} makes this loss; throws if there is none. */
  public static String text(Loss loss) {
    String text = loss.text();
    try {
      if (parse(text).equals(loss)) {
        return text;
      }
    } catch (IllegalArgumentException e) {
      // The message lists what is accepted.
    }
    throw new IllegalArgumentException(
        "a loss with a text " + accepted() + ", found '" + loss.name() + "'");
  }

  private static String accepted() {
    String all = FORMS.stream().map(Form::toString).collect(Collectors.joining(", "));
    int last = all.lastIndexOf(", ");
    return "must be " + all.substring(0, last) + " or " + all.substring(last + 2);
  }
}
