package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backends;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The command: options, the list of comparisons, the result file. */
public final class GpuRatios {
  private static final String USAGE =
      """
      usage: bench [--quick] [--rehearse] [--only TEXT] [--out FILE]
        --quick      fewer and shorter rounds, a file of 1 GB instead of 4 GB for the upload
        --rehearse   tiny sizes, once: whether every row runs, on the software device too; no figures
        --only TEXT  only comparisons whose name has that text, any case
        --out FILE   the result file; gpu-ratios.md if nothing is said\
      """;

  private static final int DONE = 0;
  private static final int WRONG = 1;
  private static final int BAD_USAGE = 2;
  private static final int NO_DEVICE = 3;

  private final boolean rehearsal;
  private final String only;
  private final PrintStream file;

  private GpuRatios(boolean rehearsal, String only, PrintStream file) {
    this.rehearsal = rehearsal;
    this.only = only;
    this.file = file;
  }

  /**
   * Runs the command. Exit status: 0 done, 1 a result was wrong, a step was not steady or a
   * comparison failed, 2 usage, 3 no device.
   */
  public static void main(String[] args) throws IOException {
    Locale.setDefault(Locale.ROOT);
    boolean quick = false;
    boolean rehearsal = false;
    String only = "";
    String out = "gpu-ratios.md";
    for (int i = 0; i < args.length; i++) {
      boolean hasValue = i + 1 < args.length;
      if (args[i].equals("--quick")) {
        quick = true;
      } else if (args[i].equals("--rehearse")) {
        rehearsal = true;
      } else if (args[i].equals("--only") && hasValue) {
        only = args[++i];
      } else if (args[i].equals("--out") && hasValue) {
        out = args[++i];
      } else {
        System.err.println(USAGE);
        System.exit(BAD_USAGE);
      }
    }
    String wanted = only.toLowerCase(Locale.ROOT);
    if (plan().stream().noneMatch(planned -> planned.isNamed(wanted))) {
      System.err.println("No comparison has '" + only + "' in its name:");
      plan().forEach(planned -> System.err.println("  " + planned.name()));
      System.exit(BAD_USAGE);
    }
    String detail = detail();
    if (Device.isSoftware(detail) && !rehearsal) {
      System.err.println(
          "The device is software, whose times say nothing: "
              + detail
              + "\nTo see whether every row runs on it: bench --rehearse");
      System.exit(NO_DEVICE);
    }
    int status;
    try (PrintStream file =
            new PrintStream(Files.newOutputStream(Path.of(out)), true, StandardCharsets.UTF_8);
        GpuRun run = new GpuRun(detail, quick, rehearsal)) {
      status = new GpuRatios(rehearsal, only, file).print(run, detail);
      if (file.checkError()) {
        System.err.println("The figures could not be written to " + out + "; they are above");
        System.exit(WRONG);
      }
    } catch (IOException e) {
      System.err.println("The result file cannot be written: " + e + "; name another with --out");
      System.exit(BAD_USAGE);
      return;
    }
    System.err.println("written to " + Path.of(out).toAbsolutePath());
    System.exit(status);
  }

  /** What the probe has found; ends the program where there is no device. */
  private static String detail() {
    Backends.Entry entry =
        Backends.entries().stream()
            .filter(candidate -> candidate.name().equals(Device.BACKEND))
            .findFirst()
            .orElseThrow();
    return switch (entry.availability()) {
      case Availability.Available yes -> yes.detail();
      case Availability.Unavailable no -> {
        System.err.println(
            "There is nothing to measure: %s; remedy: %s".formatted(no.reason(), no.remedy()));
        System.exit(NO_DEVICE);
        yield "";
      }
    };
  }

  private int print(GpuRun run, String detail) {
    printHeader(run, detail);
    int status = DONE;
    for (Planned planned : plan()) {
      if (!planned.isNamed(only.toLowerCase(Locale.ROOT))) {
        continue;
      }
      try {
        for (GpuRow row : planned.comparison().apply(run).measure()) {
          print(rehearsal ? row.rehearsalLine() : row.line());
          status = row.isWrong() ? WRONG : status;
        }
      } catch (RuntimeException | OutOfMemoryError | LinkageError e) {
        status = WRONG;
        String reason = String.valueOf(e).replaceAll("\\s+", " ").replace("|", "/");
        print("| %s | failed: %s |".formatted(planned.name(), reason));
        e.printStackTrace();
      }
    }
    return status;
  }

  /** To the file and to standard output, so that a run that is cut short has left what it has. */
  private void print(String text) {
    System.out.println(text);
    file.println(text);
  }

  private void printHeader(GpuRun run, String detail) {
    print(rehearsal ? "# GPU ratios, rehearsal" : "# GPU ratios");
    print("");
    print("- date: " + ZonedDateTime.now(ZoneOffset.UTC).format(DateTimeFormatter.ISO_LOCAL_DATE));
    print("- device: " + detail);
    print("- nvidia-smi: " + systemManagement());
    print("- torch: " + run.torchFacts());
    print("- java: " + Runtime.version());
    if (rehearsal) {
      print("- tiny sizes, each work twice and its check; times would say nothing");
    } else {
      print("- " + run.turns().rounds() + " rounds in turns; median and (max - min) / median");
      print("- ratio: the other's time over ours; against a ceiling, the share of it");
    }
    print("");
    print((rehearsal ? GpuRow.REHEARSAL_HEADER : GpuRow.HEADER).strip());
  }

  /** Name, driver, memory and highest clocks of all GPUs. */
  private static String systemManagement() {
    try {
      Process query =
          new ProcessBuilder(
                  "nvidia-smi",
                  "--query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem",
                  "--format=csv,noheader")
              .redirectErrorStream(true)
              .start();
      String said = new String(query.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return said.strip().replaceAll("\\R", "; ");
    } catch (IOException | UncheckedIOException e) {
      return "none";
    }
  }

  /** A comparison whose data is allocated when its turn comes. */
  private record Planned(String name, Function<GpuRun, GpuComparison> comparison) {
    boolean isNamed(String part) {
      return name.toLowerCase(Locale.ROOT).contains(part);
    }
  }

  /** In order of importance. */
  private static List<Planned> plan() {
    List<Planned> plan = new ArrayList<>();
    plan.add(new Planned("copy", CopyComparison::new));
    plan.add(new Planned("read", ReadComparison::new));
    plan.add(new Planned("Adam 1e9", StepComparison::adam));
    plan.add(one(1_000_000, 10_000, 1_000));
    plan.add(new Planned("SGD 1e9", StepComparison::sgd));
    plan.add(new Planned("RMSProp 1e9", StepComparison::rmsProp));
    plan.add(new Planned("Adam 1000 tensors", StepComparison::manyTensors));
    plan.add(one(250_000, 2_500, 4_000));
    plan.add(one(15_625_000, 156_250, 64));
    plan.add(
        new Planned(
            "gradient 1000000 x 1000 k = 16",
            run -> GradientComparison.several(run, 1_000_000, 10_000, 1_000, 16, 1.2)));
    plan.add(
        new Planned(
            "gradient 262144 x 1000 k = 1024",
            run -> GradientComparison.several(run, 262_144, 1_024, 1_000, 1_024, 0.98)));
    plan.add(small(100_000, 1));
    plan.add(small(1_000, 100));
    plan.add(new Planned("upload of a mapped file", UploadComparison::new));
    return plan;
  }

  private static Planned one(long rows, long block, long features) {
    return new Planned(
        "gradient %d x %d".formatted(rows, features),
        run -> GradientComparison.one(run, rows, block, features));
  }

  private static Planned small(long features, long outputs) {
    return new Planned(
        "small model %d x %d".formatted(features, outputs),
        run -> new SmallModelComparison(run, features, outputs));
  }
}
