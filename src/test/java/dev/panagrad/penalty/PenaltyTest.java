package dev.panagrad.penalty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Values of the penalties, and weights that are refused. */
@Tag("first")
class PenaltyTest {
  @Test
  void valueIsWeightedNorms() {
    try (TensorArena arena = TensorArena.open("penalty")) {
      Tensor w = arena.allocate("w", DType.F32, 3).copyFrom(1, -2, 3);
      assertEquals(0.5 * 6, Penalty.l1(0.5).value(w));
      assertEquals(0.5 * 14, Penalty.l2(0.5).value(w));
      assertEquals(0.5 * 6 + 0.25 * 14, new Penalty(0.5, 0.25).value(w));
      assertEquals(0, Penalty.none().value(w));
    }
  }

  @Test
  void addsTwiceItsSquaresStrengthToTheGradient() {
    assertEquals(0.5, Penalty.l2(0.25).gradientFactor());
  }

  @Test
  void refusesNegativeWeights() {
    for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThrows(IllegalArgumentException.class, () -> Penalty.l1(bad));
      assertThrows(IllegalArgumentException.class, () -> Penalty.l2(bad));
    }
  }
}
