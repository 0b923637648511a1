package dev.panagrad.benchmark;

import dev.panagrad.benchmark.latency.Latency;
import dev.panagrad.benchmark.ratio.Ratios;
import java.io.IOException;
import java.util.Arrays;

/** The jar's entry: {@code ratios} and {@code latency} are ours, everything else goes to JMH. */
public final class Benchmarks {
  private Benchmarks() {}

  /** Runs the command. */
  public static void main(String[] args) throws IOException {
    if (args.length > 0 && args[0].equals("ratios")) {
      System.exit(Ratios.run(Arrays.copyOfRange(args, 1, args.length)));
    }
    if (args.length > 0 && args[0].equals("latency")) {
      System.exit(Latency.run(Arrays.copyOfRange(args, 1, args.length)));
    }
    org.openjdk.jmh.Main.main(args);
  }
}
