package dev.panagrad.schedule;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.DoubleStream;

/**
 * Reads the text form of schedules: {@code name:argument,argument}, several joined by {@code +}.
 *
 * <pre>
 *   constant                            the base rate
 *   step:SIZE,GAMMA                     step:500,0.3
 *   exponential:GAMMA                   exponential:0.999
 *   inverse:DECAY                       inverse:0.01
 *   linear:LENGTH,START,END             linear:100,0.1,1
 *   warmup:LENGTH                       warmup:100
 *   cosine:LENGTH[,MINIMUM]             cosine:30000,1e-5
 *   restarts:LENGTH[,FACTOR[,MINIMUM]]  restarts:1000,2
 *   polynomial:LENGTH[,POWER[,MINIMUM]] polynomial:3000,2
 *   onecycle:LENGTH[,RISE[,DIV,FINAL]]  onecycle:3000
 * </pre>
 *
 * A length counts optimizer steps, or epochs with the suffix {@code e}: {@code cosine:30e}. In a
 * sum, every part but the last needs a length: {@code warmup:100+cosine:3000}.
 */
public final class ScheduleText {
  private static final double NEEDED = Double.NaN;
  private static final Map<String, Form> FORMS = new LinkedHashMap<>();

  static {
    FORMS.put("constant", new Form(false, (n, x) -> Schedule.constant()));
    FORMS.put("step", new Form(true, (n, x) -> Schedule.step(n, x[0]), NEEDED));
    FORMS.put("exponential", new Form(false, (n, x) -> Schedule.exponential(x[0]), NEEDED));
    FORMS.put("inverse", new Form(false, (n, x) -> Schedule.inverseTime(x[0]), NEEDED));
    FORMS.put(
        "linear",
        new Form(true, (n, x) -> Schedule.linear(n, x[0], x[1]).lasting(n), NEEDED, NEEDED));
    FORMS.put("warmup", new Form(true, (n, x) -> Schedule.warmup(n)));
    FORMS.put("cosine", new Form(true, (n, x) -> Schedule.cosine(n, x[0]).lasting(n), 0));
    FORMS.put("restarts", new Form(true, (n, x) -> Schedule.cosineRestarts(n, x[0], x[1]), 1, 0));
    FORMS.put(
        "polynomial",
        new Form(true, (n, x) -> Schedule.polynomial(n, x[0], x[1]).lasting(n), 1, 0));
    FORMS.put(
        "onecycle",
        new Form(true, (n, x) -> Schedule.oneCycle(n, x[0], x[1], x[2]).lasting(n), 0.3, 25, 1e4));
  }

  private final String text;
  private final long stepsPerEpoch;

  private static final class Form {
    final boolean hasLength;
    final BiFunction<Long, double[], Schedule> schedule;
    final double[] defaults;
    final int least;
    final int most;

    /** With numbers that are {@link #NEEDED}, and the values of those that may be left out. */
    Form(boolean hasLength, BiFunction<Long, double[], Schedule> schedule, double... defaults) {
      this.hasLength = hasLength;
      this.schedule = schedule;
      this.defaults = defaults;
      int length = hasLength ? 1 : 0;
      least = length + (int) DoubleStream.of(defaults).filter(Double::isNaN).count();
      most = length + defaults.length;
    }
  }

  private ScheduleText(String text, long stepsPerEpoch) {
    this.text = text;
    this.stepsPerEpoch = stepsPerEpoch;
  }

  /**
   * Reads a schedule; the suffix {@code e} multiplies by the steps per epoch. Throws an
   * IllegalArgumentException that names the part that is wrong, and what is accepted there.
   */
  public static Schedule parse(String text, long stepsPerEpoch) {
    return new ScheduleText(text, stepsPerEpoch).parse();
  }

  private Schedule parse() {
    // A '+' separates parts when a name follows; in 1e+5 a digit does.
    List<String> parts = Arrays.asList(text.strip().split("\\+(?=\\s*[a-zA-Z])", -1));
    Schedule following = null;
    for (String part : parts.reversed()) {
      Schedule schedule = part(part.strip());
      if (following == null) {
        following = schedule;
      } else if (schedule instanceof Schedule.Segment segment) {
        following = segment.then(following);
      } else {
        throw wrong("'" + part.strip() + "' has no length, so nothing can follow it; put it last");
      }
    }
    return following;
  }

  private Schedule part(String part) {
    int colon = part.indexOf(':');
    String name = (colon < 0 ? part : part.substring(0, colon)).toLowerCase(Locale.ROOT);
    String[] args = colon < 0 ? new String[0] : part.substring(colon + 1).split(",", -1);
    Form form = FORMS.get(name);
    if (form == null) {
      throw wrong("there is no schedule '%s'; there are %s".formatted(name, FORMS.keySet()));
    }
    if (args.length < form.least || args.length > form.most) {
      throw wrong(
          "'%s' has %d arguments, needs %s"
              .formatted(
                  part,
                  args.length,
                  form.least == form.most ? form.least : form.least + " to " + form.most));
    }
    long length = form.hasLength ? length(part, args[0]) : 0;
    double[] numbers = form.defaults.clone();
    for (int i = form.hasLength ? 1 : 0, n = 0; i < args.length; i++) {
      numbers[n++] = number(part, args[i]);
    }
    try {
      return form.schedule.apply(length, numbers);
    } catch (IllegalArgumentException e) {
      throw wrong(part + ": " + e.getMessage());
    }
  }

  private double number(String part, String arg) {
    try {
      return Double.parseDouble(arg.strip());
    } catch (NumberFormatException e) {
      throw wrong("'" + arg.strip() + "' in '" + part + "' is not a number");
    }
  }

  private long length(String part, String arg) {
    String digits = arg.strip();
    boolean epochs = digits.endsWith("e");
    try {
      long value = Long.parseLong(epochs ? digits.substring(0, digits.length() - 1) : digits);
      return epochs ? Math.multiplyExact(value, stepsPerEpoch) : value;
    } catch (NumberFormatException e) {
      throw wrong(
          "'" + digits + "' in '" + part + "' is not a length: steps (3000) or epochs (30e)");
    } catch (ArithmeticException e) {
      throw wrong("'" + digits + "' in '" + part + "' is more than 2^63 - 1 steps");
    }
  }

  private IllegalArgumentException wrong(String what) {
    return new IllegalArgumentException("schedule '" + text + "': " + what);
  }
}
