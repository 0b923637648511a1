package dev.panagrad.benchmark.launch;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts a class of this jar in a java of its own, with the Vector API module, which a jar's
 * manifest cannot add. The flags of this VM are kept.
 */
public final class VectorJava {
  private static final String MODULE = "jdk.incubator.vector";

  private VectorJava() {}

  /** Whether this VM has the module. */
  public static boolean isHere() {
    return ModuleLayer.boot().findModule(MODULE).isPresent();
  }

  /**
   * The child, not started. This VM's own flags come after the given ones, and win.
   *
   * @param main the class whose {@code main} the child runs
   */
  public static ProcessBuilder child(Class<?> main, List<String> flags, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.add("--add-modules=" + MODULE);
    command.add("--enable-native-access=ALL-UNNAMED");
    // JavaCPP and ND4J use Unsafe; without this each child would say so.
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(arguments);
    return new ProcessBuilder(command);
  }

  /** Starts it; it ends with this process. */
  public static Process start(ProcessBuilder builder) throws IOException {
    Process child = builder.start();
    Thread end = new Thread(child::destroy, "end-of-child");
    Runtime.getRuntime().addShutdownHook(end);
    child.onExit().thenRun(() -> forget(end));
    return child;
  }

  private static void forget(Thread end) {
    try {
      Runtime.getRuntime().removeShutdownHook(end);
    } catch (IllegalStateException e) {
      // This process is ending, and the child has ended before it.
    }
  }
}
