package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Linear;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a service predicts row by row is, to the bit, what it would predict of all rows at once. */
@Tag("simd")
@Tag("conformance")
class RowAloneTest {
  @Test
  void aRowAloneHasTheBitsThatItHasAmongOthers() {
    Random random = new Random(12);
    for (Backend backend : TestBackends.conforming(1)) {
      try (backend) {
        for (DType dtype : List.of(DType.F32, DType.F64)) {
          for (int cols : new int[] {1, 2, 4, 7, 8, 10, 16, 17, 33, 64, 100, 127, 128, 129, 300}) {
            try (Sentinels memory = new Sentinels()) {
              Tensor x = memory.tensor("x", dtype, 1, 9, cols);
              Tensor w = memory.tensor("w", dtype, 0, 2, cols);
              Tensor b = memory.tensor("b", dtype, 0, 2);
              Tensor all = memory.tensor("all", dtype, 0, 9, 2);
              Tensor one = memory.tensor("one", dtype, 3, 1, 2);
              Noise.fill(random, x, w, b);
              Linear model = new Linear(w, b);
              backend.linear().predict(x, 0, 9, model, all);
              for (int row = 0; row < 9; row++) {
                backend.linear().predict(x, row, 1, model, one);
                String what = backend.name() + " " + dtype + " " + cols + " row " + row;
                assertEquals(all.get(row, 0), one.get(0, 0), what);
                assertEquals(all.get(row, 1), one.get(0, 1), what);
              }
              memory.check("a row alone");
            }
          }
        }
      }
    }
  }
}
