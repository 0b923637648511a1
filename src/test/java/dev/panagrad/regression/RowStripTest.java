package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import org.junit.jupiter.api.Test;

/** Strips end where the matrix ends, whatever lies behind it. */
final class RowStripTest {
  @Test
  void rowsBehindTheMatrixAreRefused() {
    try (TensorArena arena = TensorArena.open("strips")) {
      Tensor x = arena.allocate("x", DType.F64, 5010, 1).fill(9).rows(0, 5000).fill(1);
      Tensor y = arena.allocate("y", DType.F64, 5010, 1).rows(0, 5000);
      IndexOutOfBoundsException e =
          assertThrows(
              IndexOutOfBoundsException.class, () -> Standardization.fit(x, y, null, 5001, true));
      assertTrue(e.getMessage().contains("'x' of shape [5000, 1] has no row 5000"), e.getMessage());
      assertEquals(1, Standardization.fit(x, y, null, 5000, true).featureMean(0));
    }
  }
}
