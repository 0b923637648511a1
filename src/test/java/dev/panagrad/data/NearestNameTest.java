package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Which name is suggested for one that is wrong. */
class NearestNameTest {
  private static final List<String> NAMES = List.of("lncoins", "idp", "lpi", "Progression");

  @Test
  void oneEditAway() {
    assertEquals("lncoins", NearestName.of("lncoin", NAMES));
    assertEquals("idp", NearestName.of("idpp", NAMES));
    assertEquals("lpi", NearestName.of("lpj", NAMES));
  }

  @Test
  void caseIsIgnored() {
    assertEquals("Progression", NearestName.of("PROGRESION", NAMES));
  }

  @Test
  void somethingIsAlwaysSuggested() {
    assertEquals("idp", NearestName.of("", NAMES));
  }

  @Test
  void ofNoNamesIsRefused() {
    Exception e =
        assertThrows(IllegalArgumentException.class, () -> NearestName.of("x", List.of()));
    assertEquals("no name is near 'x': there are none", e.getMessage());
  }
}
