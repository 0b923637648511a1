package dev.panagrad.cli;

import dev.panagrad.backend.BackendUnavailableException;
import dev.panagrad.backend.DeviceException;
import dev.panagrad.data.DataException;
import dev.panagrad.data.UnusableColumnsException;
import dev.panagrad.train.DivergenceException;
import dev.panagrad.train.PlanException;
import dev.panagrad.train.TrainingFile;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program {@code panagrad}. Exit status: 0 done, 1 data or training failure, 2 usage. */
@Command(
    name = "panagrad",
    description = "Trains linear models with fused optimizers on off-heap memory.",
    mixinStandardHelpOptions = true,
    version = "panagrad 0.1.0")
public final class Main implements Runnable {
  // Held, because a logger that nobody holds is forgotten with its level.
  private static final Logger ENGINE_LOG = Logger.getLogger("dev.panagrad");
  // The library of Parquet files, which says how it unpacks them.
  private static final Logger PARQUET_LOG = Logger.getLogger("dev.hardwood");

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of a failure.")
  private boolean debug;

  @Spec private CommandSpec spec;

  private Main() {}

  public static void main(String[] args) {
    // The commands print which backend runs; what remains is why a better one does not.
    ENGINE_LOG.setLevel(Level.WARNING);
    PARQUET_LOG.setLevel(Level.WARNING);
    // Numbers that can be typed in again, whatever the country.
    Locale.setDefault(Locale.Category.FORMAT, Locale.ROOT);
    Relaunch.endWithParent();
    int status = Relaunch.withVectorModule(args).orElseGet(() -> run(args));
    System.out.flush();
    System.err.flush();
    StopSignal.allIsSaid();
    System.exit(status);
  }

  static int run(String... args) {
    CommandLine command = commandLine(args);
    try {
      return command.execute(args);
    } catch (OutOfMemoryError e) {
      command.getErr().println("panagrad: out of memory: " + e.getMessage());
      return CommandLine.ExitCode.SOFTWARE;
    }
  }

  /** With the first argument's command alone, as each takes time to describe; else all. */
  static CommandLine commandLine(String... args) {
    Main main = new Main();
    CommandLine line = new CommandLine(main);
    // An option before it, as --help, may be of all commands.
    String first = args.length == 0 ? "" : args[0];
    List<Class<?>> commands =
        List.of(
            TrainCommand.class,
            PredictCommand.class,
            ConvertCommand.class,
            CompareCommand.class,
            TuneCommand.class,
            PathCommand.class,
            BackendsCommand.class);
    boolean isNamed = commands.stream().anyMatch(command -> name(command).equals(first));
    commands.stream()
        .filter(command -> !isNamed || name(command).equals(first))
        .forEach(line::addSubcommand);
    IExecutionExceptionHandler handler = (failure, command, _) -> main.report(failure, command);
    return line.setExecutionExceptionHandler(handler)
        .setParameterExceptionHandler(Main::refuse)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setTrimQuotes(true)
        .registerConverter(TrainingFile.Units.class, Main::units);
  }

  private static String name(Class<?> command) {
    return command.getAnnotation(Command.class).name();
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "a command is needed: train, predict, convert, compare, tune, path or backends");
  }

  private static TrainingFile.Units units(String name) {
    // The spelling of an earlier release is accepted too.
    String american = name.toUpperCase(Locale.ROOT).replace("DISED", "DIZED");
    try {
      return TrainingFile.Units.valueOf(american);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(
          "expected standardized, scaled or raw, found '" + name + "'");
    }
  }

  private static int refuse(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    command.getErr().println("panagrad: " + e.getMessage() + "; see " + name + " --help");
    UnmatchedArgumentException.printSuggestions(e, command.getErr());
    command.getErr().flush();
    return CommandLine.ExitCode.USAGE;
  }

  private int report(Exception failure, CommandLine command) {
    if (debug) {
      failure.printStackTrace(command.getErr());
    }
    String message =
        switch (failure) {
          case PlanException e -> Flags.message(e, command.getParseResult());
          case DivergenceException e -> e.message(Flags::of);
          case UnusableColumnsException e -> UnusableColumns.message(e, command.getParseResult());
          case UsageException _,
              DataException _,
              BackendUnavailableException _,
              DeviceException _,
              UncheckedIOException _,
              IllegalArgumentException _,
              ArithmeticException _ ->
              failure.getMessage();
          default -> null;
        };
    command.getErr().println("panagrad: " + (message == null ? failure : message));
    command.getErr().flush();
    boolean isUsage =
        failure instanceof UsageException || (failure instanceof PlanException e && e.isConflict());
    return isUsage ? CommandLine.ExitCode.USAGE : CommandLine.ExitCode.SOFTWARE;
  }
}
