package dev.panagrad.benchmark.ratio;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts this command again with the Vector API module, which a jar's manifest cannot add. The
 * flags of this VM are kept.
 */
final class Relaunch {
  private static final String MODULE = "jdk.incubator.vector";

  private Relaunch() {}

  static boolean isNeeded() {
    return ModuleLayer.boot().findModule(MODULE).isEmpty();
  }

  /** The child's exit status. */
  static int run(Class<?> main, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.add("--add-modules=" + MODULE);
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(arguments);
    try {
      Process child = new ProcessBuilder(command).inheritIO().start();
      Runtime.getRuntime().addShutdownHook(new Thread(child::destroy, "ratios-relaunch"));
      return child.waitFor();
    } catch (IOException e) {
      System.err.println("ratios: java could not be started again: " + e.getMessage());
      return 1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 1;
    }
  }
}
