package dev.panagrad.backend.scalar;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendProvider;
import dev.panagrad.backend.Lifetime;

/** Provides the reference backend, which is always available. */
public final class ScalarProvider implements BackendProvider {
  /** For the service loader. */
  public ScalarProvider() {}

  @Override
  public String name() {
    return ScalarBackend.NAME;
  }

  @Override
  public int rank() {
    return 0;
  }

  @Override
  public boolean isHost() {
    return true;
  }

  @Override
  public Availability probe() {
    return new Availability.Available(ScalarBackend.DETAIL);
  }

  @Override
  public Backend open(BackendOptions options) {
    return new ScalarBackend(new Lifetime(ScalarBackend.NAME));
  }
}
