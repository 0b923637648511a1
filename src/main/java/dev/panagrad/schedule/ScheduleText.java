package dev.panagrad.schedule;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The text form of schedules: {@code name:argument,argument}, several joined by {@code +}.
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
  private static final List<String> NAMES =
      List.of(
          "constant",
          "step",
          "exponential",
          "inverse",
          "linear",
          "warmup",
          "cosine",
          "restarts",
          "polynomial",
          "onecycle");

  private final String text;
  private final long stepsPerEpoch;

  private ScheduleText(String text, long stepsPerEpoch) {
    this.text = text;
    this.stepsPerEpoch = stepsPerEpoch;
  }

  /**
   * Reads a schedule.
   *
   * @param stepsPerEpoch what the suffix {@code e} multiplies
   * @throws IllegalArgumentException naming the part that is wrong and what is accepted there
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
    try {
      return switch (name) {
        case "constant" -> {
          arity(part, args, 0, 0);
          yield Schedule.constant();
        }
        case "step" -> {
          arity(part, args, 2, 2);
          yield Schedule.step(length(part, args[0]), number(part, args[1]));
        }
        case "exponential" -> {
          arity(part, args, 1, 1);
          yield Schedule.exponential(number(part, args[0]));
        }
        case "inverse" -> {
          arity(part, args, 1, 1);
          yield Schedule.inverseTime(number(part, args[0]));
        }
        case "linear" -> {
          arity(part, args, 3, 3);
          long length = length(part, args[0]);
          yield Schedule.linear(length, number(part, args[1]), number(part, args[2]))
              .lasting(length);
        }
        case "warmup" -> {
          arity(part, args, 1, 1);
          yield Schedule.warmup(length(part, args[0]));
        }
        case "cosine" -> {
          arity(part, args, 1, 2);
          long length = length(part, args[0]);
          yield Schedule.cosine(length, number(part, args, 1, 0)).lasting(length);
        }
        case "restarts" -> {
          arity(part, args, 1, 3);
          yield Schedule.cosineRestarts(
              length(part, args[0]), number(part, args, 1, 1), number(part, args, 2, 0));
        }
        case "polynomial" -> {
          arity(part, args, 1, 3);
          long length = length(part, args[0]);
          yield Schedule.polynomial(length, number(part, args, 1, 1), number(part, args, 2, 0))
              .lasting(length);
        }
        case "onecycle" -> {
          arity(part, args, 1, 4);
          long length = length(part, args[0]);
          yield Schedule.oneCycle(
                  length,
                  number(part, args, 1, 0.3),
                  number(part, args, 2, 25),
                  number(part, args, 3, 1e4))
              .lasting(length);
        }
        default -> throw wrong("there is no schedule '" + name + "'; there are " + NAMES);
      };
    } catch (IllegalArgumentException e) {
      throw e.getMessage().startsWith("schedule '") ? e : wrong(part + ": " + e.getMessage());
    }
  }

  private void arity(String part, String[] args, int least, int most) {
    if (args.length < least || args.length > most) {
      String wanted = least == most ? "" + least : least + " to " + most;
      throw wrong("'" + part + "' has " + args.length + " arguments, needs " + wanted);
    }
  }

  private double number(String part, String[] args, int index, double otherwise) {
    return index < args.length ? number(part, args[index]) : otherwise;
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
