package dev.panagrad.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.function.Predicate;

/**
 * Finds and chooses backends. The choice is never silent: a backend that is asked for by name is
 * opened or refused with reason, remedy and the table; the automatic choice logs the winner and the
 * reason of every loser.
 *
 * <p>The name comes from the caller, else from the property {@value #PROPERTY}, else from the
 * environment variable {@value #ENVIRONMENT}, else it is {@value #AUTO}.
 */
public final class Backends {
  /** This system property names the backend. */
  public static final String PROPERTY = "panagrad.backend";

  /** This environment variable names the backend where the property is absent. */
  public static final String ENVIRONMENT = "PANAGRAD_BACKEND";

  /** This name stands for the best available backend. */
  public static final String AUTO = "auto";

  private static final Logger LOG = System.getLogger(Backends.class.getName());

  private Backends() {}

  /** Holds a provider's name and {@linkplain BackendProvider#rank rank}, and its probe's answer. */
  public record Entry(String name, int rank, Availability availability) {
    /** True if it can run here. */
    public boolean isAvailable() {
      return availability instanceof Availability.Available;
    }
  }

  /** Returns all providers, best rank first. */
  public static List<BackendProvider> providers() {
    return ServiceLoader.load(BackendProvider.class, BackendProvider.class.getClassLoader())
        .stream()
        .map(ServiceLoader.Provider::get)
        .sorted(Comparator.comparingInt(BackendProvider::rank).reversed())
        .toList();
  }

  /** Probes all providers, best rank first. */
  public static List<Entry> entries() {
    return providers().stream()
        .map(provider -> new Entry(provider.name(), provider.rank(), provider.probe()))
        .toList();
  }

  /** Opens the configured backend with default options. */
  public static Backend open() {
    return open(null, BackendOptions.defaults());
  }

  /**
   * Opens a backend.
   *
   * @param name a backend's name, {@value #AUTO}, or null for the configured one
   * @throws BackendUnavailableException if the named backend cannot run here or does not exist,
   *     with the table
   */
  public static Backend open(String name, BackendOptions options) {
    String wanted = (name == null ? configuredName() : name).strip().toLowerCase(Locale.ROOT);
    return wanted.equals(AUTO) ? openBest(options) : openNamed(wanted, options);
  }

  /** Returns the name that {@link #open()} asks for. */
  public static String configuredName() {
    String property = System.getProperty(PROPERTY);
    if (property != null && !property.isBlank()) {
      return property;
    }
    String environment = System.getenv(ENVIRONMENT);
    return environment != null && !environment.isBlank() ? environment : AUTO;
  }

  /** Opens the best backend that computes in host memory and loads no native library. */
  public static Backend openHost(BackendOptions options) {
    return providers().stream()
        .filter(BackendProvider::isHost)
        .filter(provider -> provider.probe() instanceof Availability.Available)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("the scalar backend is missing"))
        .open(options);
  }

  private static Backend openNamed(String name, BackendOptions options) {
    for (BackendProvider provider : providers()) {
      if (provider.name().equals(name)) {
        return switch (provider.probe()) {
          case Availability.Available _ -> provider.open(options);
          case Availability.Unavailable no ->
              throw new BackendUnavailableException(
                  "backend '%s' was asked for and is not available: %s; remedy: %s%n%s"
                      .formatted(name, no.reason(), no.remedy(), table(name)),
                  no.cause());
        };
      }
    }
    throw new BackendUnavailableException(
        "there is no backend '%s'; choose %s or one of%n%s".formatted(name, AUTO, table(name)),
        null);
  }

  private static Backend openBest(BackendOptions options) {
    for (BackendProvider provider : providers()) {
      if (provider.rank() < 0) {
        continue;
      }
      switch (provider.probe()) {
        case Availability.Available yes -> {
          LOG.log(Level.INFO, "backend " + provider.name() + ": " + yes.detail());
          return provider.open(options);
        }
        case Availability.Unavailable no ->
            LOG.log(
                Level.WARNING,
                "backend %s is not used: %s; remedy: %s"
                    .formatted(provider.name(), no.reason(), no.remedy()),
                no.cause());
      }
    }
    throw new BackendUnavailableException("no backend is available\n" + table(), null);
  }

  /** Lists all backends, one line each; an asterisk marks the one that {@value #AUTO} takes. */
  public static String table() {
    return table(provider -> true);
  }

  /**
   * Lists backends for a program that has opened one: it asks only those of the others that {@value
   * #AUTO} may take, since probing the rest may load libraries.
   */
  public static String table(Backend opened) {
    return table(opened.name());
  }

  private static String table(String wanted) {
    return table(provider -> provider.rank() >= 0 || provider.name().equals(wanted));
  }

  private static String table(Predicate<BackendProvider> isAsked) {
    List<String> lines = new ArrayList<>();
    boolean isBestFound = false;
    for (BackendProvider provider : providers()) {
      if (!isAsked.test(provider)) {
        lines.add(
            "%-9s   by name      'panagrad backends' says whether it can run here"
                .formatted(provider.name()));
        continue;
      }
      Availability found = provider.probe();
      boolean isBest =
          !isBestFound && found instanceof Availability.Available && provider.rank() >= 0;
      isBestFound |= isBest;
      String state =
          switch (found) {
            case Availability.Available yes -> "available    " + yes.detail();
            case Availability.Unavailable no ->
                "unavailable  " + no.reason() + "; remedy: " + no.remedy();
          };
      lines.add("%-9s %s %s".formatted(provider.name(), isBest ? "*" : " ", state));
    }
    return String.join("\n", lines);
  }
}
