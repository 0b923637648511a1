package dev.panagrad.loss;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Losses as texts. */
@Tag("first")
class LossesTest {
  @Test
  void textsComeBack() {
    for (String text :
        List.of("squared", "huber:1.35", "logistic", "poisson", "quantile:0.9", "huber:1.0E-300")) {
      assertEquals(text, Losses.text(Losses.parse(text)));
    }
    for (Loss loss :
        List.of(
            new Huber(1 / 3.0),
            new Huber(Double.MIN_VALUE),
            new Huber(Double.MAX_VALUE),
            new Quantile(Double.MIN_VALUE),
            new Quantile(Math.nextDown(1.0)))) {
      assertEquals(loss, Losses.parse(Losses.text(loss)));
    }
  }

  @Test
  void whatIsNoLoss() {
    refused("must be squared, huber:DELTA, logistic, poisson or quantile:TAU", "", ":", "Huber");
    refused("huber needs a number, such as huber:1.5", "huber", "huber:", "huber:x", "huber:1:2");
    refused("quantile needs a number, such as quantile:0.9", "quantile", "quantile:0,9");
    refused("poisson takes no number", "poisson:", "poisson:1");
    refused("delta must be in (0, infinity)", "huber:0", "huber:NaN", "huber:-1", "huber:1e999");
    refused("tau must be in", "quantile:0", "quantile:1", "quantile:NaN", "quantile:1e-999");
    refused("needs a number", "huber:" + "1".repeat(33), "huber:0x" + "1".repeat(1_000_000));
  }

  private static void refused(String start, String... texts) {
    for (String text : texts) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> Losses.parse(text)).getMessage();
      assertTrue(message.contains(start) && message.length() < 100, message);
    }
  }
}
