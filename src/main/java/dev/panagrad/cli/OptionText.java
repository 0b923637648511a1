package dev.panagrad.cli;

import dev.panagrad.optimizer.Averaging;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.train.Trainer;
import java.util.Locale;

/** Reads options whose values have parts. */
final class OptionText {
  private OptionText() {}

  static StateFormat stateFormat(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "same" -> StateFormat.SAME;
      case "bf16" -> StateFormat.BF16;
      case "8bit" -> StateFormat.INT8_BLOCKWISE;
      default ->
          throw new UsageException("--state must be same, bf16 or 8bit, found '" + text + "'");
    };
  }

  static Averaging averaging(String text) {
    String[] parts = text.toLowerCase(Locale.ROOT).split(":", -1);
    double[] number = Numbers.of(parts[parts.length - 1]);
    if (parts.length == 2 && number.length == 1) {
      if (parts[0].equals("ema")) {
        return Averaging.ema(number[0]);
      }
      if (parts[0].equals("mean") && number[0] == (long) number[0]) {
        return Averaging.polyakRuppert((long) number[0]);
      }
    }
    throw new UsageException(
        "--average must be ema:D with D in (0, 1), or mean:N with a step N from 1, found '%s'"
            .formatted(text));
  }

  static void reduceRate(Trainer trainer, String text) {
    double[] numbers = Numbers.of(text);
    if (numbers.length < 2 || numbers.length > 3 || numbers[1] != (int) numbers[1]) {
      throw new UsageException(
          "--reduce-rate must be a factor in (0, 1) and a number of epochs, such as 0.5,10, and perhaps a fraction, such as 0.5,10,1e-3; found '%s'"
              .formatted(text));
    }
    trainer.reduceRate(numbers[0], (int) numbers[1], numbers.length == 2 ? 1e-4 : numbers[2]);
  }
}
