package dev.panagrad.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Starts the program again with the vector module where it was started without it.
 *
 * <p>A jar's manifest cannot add a module, and the compiler's vector support cannot use one that
 * was not resolved when the VM started. So {@code java -jar} runs the same command in a child VM
 * with the flag added; input, output and exit status are the child's. {@code
 * -Dpanagrad.relaunch=false} prevents it.
 */
final class Relaunch {
  static final String PROPERTY = "panagrad.relaunch";
  private static final String PARENT = "panagrad.relaunch.parent";
  private static final String MODULE = "jdk.incubator.vector";
  private static final int KILLED = 137; // the shell's status of a process that was killed

  private Relaunch() {}

  /** The child's exit status, or empty if this VM is to go on itself. */
  static Optional<Integer> withVectorModule(String[] args) {
    boolean enabled = ModuleLayer.boot().findModule(MODULE).isPresent();
    boolean wanted = !System.getProperty(PROPERTY, "true").equals("false");
    boolean possible = ModuleFinder.ofSystem().find(MODULE).isPresent();
    if (enabled || !wanted || !possible) {
      return Optional.empty();
    }
    return run(command(args));
  }

  /** Ends the child with a parent that is killed, which it would outlive unseen. */
  static void endWithParent() {
    Long parent = Long.getLong(PARENT);
    if (parent != null) {
      ProcessHandle.of(parent)
          .ifPresentOrElse(
              handle -> {
                var _ = handle.onExit().thenRun(() -> System.exit(KILLED));
              },
              () -> System.exit(KILLED));
    }
  }

  private static List<String> command(String[] args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      // The ports of a debugger or of remote management are taken by this VM.
      if (!option.startsWith("-agentlib:jdwp")
          && !option.startsWith("-Xrunjdwp")
          && !option.startsWith("-Dcom.sun.management.jmxremote")) {
        command.add(option);
      }
    }
    command.add("--add-modules=" + MODULE);
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-D" + PROPERTY + "=false");
    command.add("-D" + PARENT + "=" + ProcessHandle.current().pid());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Main.class.getName());
    command.addAll(List.of(args));
    return command;
  }

  private static Optional<Integer> run(List<String> command) {
    try {
      Process child = new ProcessBuilder(command).inheritIO().start();
      Thread endChild = new Thread(() -> end(child), "panagrad-relaunch");
      Runtime.getRuntime().addShutdownHook(endChild);
      return Optional.of(child.waitFor());
    } catch (IOException e) {
      System.err.printf(
          "panagrad: could not start java again with --add-modules %s: %s%n",
          MODULE, e.getMessage());
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.of(1);
    }
  }

  /** Asks the child to end, and gives it the time that it needs to write what it has. */
  private static void end(Process child) {
    child.destroy();
    try {
      child.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
