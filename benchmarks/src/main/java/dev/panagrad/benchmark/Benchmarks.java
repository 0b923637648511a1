package dev.panagrad.benchmark;

import dev.panagrad.benchmark.latency.Latency;
import dev.panagrad.benchmark.passes.PassTable;
import dev.panagrad.benchmark.passes.PathTimes;
import dev.panagrad.benchmark.ratio.Ratios;
import dev.panagrad.benchmark.save.SaveRatios;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * The jar's entry: {@code ratios}, {@code latency}, {@code save}, {@code passes} and {@code path}
 * are ours, everything else goes to JMH.
 */
public final class Benchmarks {
  private Benchmarks() {}

  /** Runs the command. */
  public static void main(String[] args) throws IOException, InterruptedException {
    if (args.length > 0 && args[0].equals("ratios")) {
      System.exit(Ratios.run(Arrays.copyOfRange(args, 1, args.length)));
    }
    if (args.length > 1 && args[0].equals("save")) {
      SaveRatios.run(List.of(args).subList(1, args.length));
      return;
    }
    if (args.length == 3 && args[0].equals("passes")) {
      PassTable.run(List.of(args).subList(1, args.length));
      return;
    }
    if (args.length == 3 && args[0].equals("path")) {
      PathTimes.run(List.of(args).subList(1, args.length));
      return;
    }
    if (args.length > 0 && args[0].equals("latency")) {
      System.exit(Latency.run(Arrays.copyOfRange(args, 1, args.length)));
    }
    org.openjdk.jmh.Main.main(args);
  }
}
