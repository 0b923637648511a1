package dev.panagrad.cli;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableReader;
import dev.panagrad.train.TrainingFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code panagrad convert}: writes a training file, which is mapped instead of read. */
@Command(
    name = "convert",
    customSynopsis = "panagrad convert [OPTIONS] DATA... OUT.safetensors",
    description =
        "Write features and targets of a data file as a training file: rows ready to be trained on, mapped instead of read, also where they are larger than memory. NumPy and safetensors read it too.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ConvertCommand implements Callable<Integer> {
  @Mixin private DataOptions data;

  @Option(
      names = "--units",
      defaultValue = "standardized",
      paramLabel = "UNITS",
      description =
          "standardized; scaled, without subtracting means, for models without intercept; or raw. Default ${DEFAULT-VALUE}.")
  private TrainingFile.Units units;

  @Override
  public Integer call() {
    Path out = Path.of(data.source.takeLast("OUT.safetensors"));
    data.requireTarget();
    if (data.source.isFile(out)) {
      throw new UsageException(out + " is the data file");
    }
    if (!out.toString().endsWith(".safetensors")) {
      throw new UsageException("a training file's name ends in .safetensors, found " + out);
    }
    try (Table table = data.source.open()) {
      TableReader reader = data.reader(table);
      try {
        TrainingFile.write(out, reader, data.dtype(), units);
      } catch (DataException e) {
        throw data.all(table, e);
      }
      Warnings.printBelowF32(reader);
      long rows;
      try (TrainingFile written = TrainingFile.open(out)) {
        Warnings.print(written);
        rows = written.rows().rows();
      }
      System.out.printf("%s: %,d rows, %s, %,d bytes%n", out, rows, data.dtype(), Files.size(out));
    } catch (IOException e) {
      throw new DataException(e.getMessage(), e);
    }
    return 0;
  }
}
