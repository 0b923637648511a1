package dev.panagrad.benchmark.ratio;

import java.util.HashSet;
import java.util.Set;

/** Says on standard error why a peer cannot be loaded: once per reason in a comparison. */
public final class AbsentPeers {
  private final Set<String> said = new HashSet<>();

  void report(String library, Throwable failure) {
    StringBuilder reason = new StringBuilder(library).append(" is absent");
    for (Throwable t = failure; t != null; t = t.getCause()) {
      reason.append(": ").append(t);
    }
    // The VM words a failed class initialization differently the second time.
    String key = failure instanceof LinkageError ? library : reason.toString();
    if (said.add(key)) {
      System.err.println(reason);
    }
  }
}
