package dev.panagrad.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Extents, their product in 63 bits, and what is refused. */
class ShapeTest {
  private static final BigInteger MOST = BigInteger.valueOf(Long.MAX_VALUE);

  @Test
  void describesRowsAndColumns() {
    Shape shape = Shape.of(3, 4, 5);
    assertEquals(3, shape.rows());
    assertEquals(20, shape.cols());
    assertEquals(60, shape.count());
    assertEquals(3, shape.rank());
    assertEquals(4, shape.extent(1));
    assertEquals("[3, 4, 5]", shape.toString());
    assertEquals(1, Shape.of(7).cols());
    assertEquals(Shape.of(9, 4, 5), shape.withRows(9));
  }

  @Test
  void extentsAreCopied() {
    long[] extents = {2, 3};
    Shape shape = Shape.of(extents);
    extents[0] = 99;
    shape.extents()[1] = 99;
    assertEquals(Shape.of(2, 3), shape);
    assertEquals(Shape.of(2, 3).hashCode(), shape.hashCode());
    assertNotEquals(Shape.of(3, 2), shape);
  }

  @Test
  void refusesNegativeExtentsAndNone() {
    String negative =
        assertThrows(IllegalArgumentException.class, () -> Shape.of(2, -1)).getMessage();
    assertTrue(negative.contains("[2, -1]") && negative.contains("-1"), negative);
    assertThrows(IllegalArgumentException.class, Shape::of);
  }

  @Test
  void refusesBytesBeyond63Bits() {
    Shape shape = Shape.of(1L << 61);
    assertThrows(IllegalArgumentException.class, () -> shape.bytes(DType.F32));
    assertEquals(1L << 62, Shape.of(1L << 60).bytes(DType.F32));
  }

  /** The product is exact or refused; a zero extent wins over any overflow. */
  @Property
  void productIsExactOrRefused(
      @ForAll @Size(min = 1, max = 5) List<@LongRange(max = 1L << 40) Long> drawn) {
    long[] extents = drawn.stream().mapToLong(Long::longValue).toArray();
    BigInteger product = BigInteger.ONE;
    for (long extent : extents) {
      product = product.multiply(BigInteger.valueOf(extent));
    }
    if (product.compareTo(MOST) > 0) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> Shape.of(extents)).getMessage();
      assertTrue(message.contains("2^63 - 1"), message);
    } else {
      assertEquals(product.longValueExact(), Shape.of(extents).count());
      assertTrue(Shape.of(extents).cols() >= 0);
    }
  }
}
