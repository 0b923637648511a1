package dev.panagrad.cli;

import com.sun.management.OperatingSystemMXBean;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.EncodedTable;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableReader;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.TrainingFile;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which data to read. */
final class DataOptions {
  @Mixin DataSource source;

  @Option(
      names = "--target",
      split = ",",
      paramLabel = "NAME",
      description = "Column to predict; several separated by commas. A name, or a number from 1.")
  private List<String> targets = new ArrayList<>();

  @Option(
      names = "--features",
      split = ",",
      paramLabel = "NAME",
      description = "Columns to predict from; all but the targets if not given.")
  private List<String> features = new ArrayList<>();

  @Option(
      names = "--exclude",
      split = ",",
      paramLabel = "NAME",
      description = "Columns that are no features, where --features is not given.")
  private List<String> excluded = new ArrayList<>();

  @Mixin EncodingOptions encoding;

  @Option(
      names = "--dtype",
      paramLabel = "f32|f64|auto",
      defaultValue = "auto",
      description =
          "Type of the rows in memory. auto, the default: f64 for methods that look at all rows, as long as a quarter of the machine's memory holds them; f32 for optimizers that take batches.")
  private String dtype;

  private boolean prefersF64;

  /** Reads it all, and looks at columns that are encoded while their table is open. */
  Dataset read(TensorArena arena, Consumer<EncodedTable> look) {
    return read(arena, List.of(), EncodingOptions.Use.PLAIN, look);
  }

  /** Reads it all, with further columns after the targets. */
  Dataset read(
      TensorArena arena,
      List<String> further,
      EncodingOptions.Use use,
      Consumer<EncodedTable> look) {
    try (Table table = source.open()) {
      TableReader chosen = chosen(table).further(further);
      TableReader reader = encoding.encoded(chosen, use, targets.size(), look);
      try {
        Dataset read = reader.read(arena, prefersF64 && !holdsF64(table) ? DType.F32 : dtype());
        Warnings.printBelowF32(reader);
        return read;
      } catch (DataException e) {
        throw encoding.all(chosen, use, e);
      }
    }
  }

  void requireTarget() {
    if (targets.isEmpty()) {
      throw new UsageException("name the columns to predict: --target NAME[,NAME]");
    }
  }

  /** The columns that were asked for, encoded as they were. */
  TableReader reader(Table table) {
    TableReader chosen = chosen(table);
    return encoding.encoded(chosen, EncodingOptions.Use.PLAIN, targets.size(), _ -> {});
  }

  /** The exception that names everything that keeps columns from being used. */
  DataException all(Table table, DataException first) {
    return encoding.all(chosen(table), EncodingOptions.Use.PLAIN, first);
  }

  private TableReader chosen(Table table) {
    requireTarget();
    return TableReader.of(table).targets(targets).features(features).exclude(excluded);
  }

  /** The training file that the data are, or null. */
  TrainingFile openTrainingFile() {
    Path file = source.trainingFile();
    if (file == null) {
      return null;
    }
    if (!targets.isEmpty()
        || !features.isEmpty()
        || !excluded.isEmpty()
        || !isAutomatic()
        || source.noHeader) {
      throw new UsageException(
          file
              + " is a training file, whose columns and type were chosen when it was written; leave out --target, --features, --dtype and --no-header");
    }
    try {
      return TrainingFile.open(file);
    } catch (IOException e) {
      throw new DataException("cannot read the training file: " + e.getMessage(), e);
    }
  }

  void requireTable() {
    Path file = source.trainingFile();
    if (file != null) {
      throw new UsageException(
          file
              + " is a training file, whose rows are changed already; name the table it was made of");
    }
  }

  /** Data, columns and header as they were asked for, to be typed again. */
  List<String> words() {
    List<String> words = new ArrayList<>(source.words());
    words.addAll(List.of("--target", String.join(",", targets)));
    if (!features.isEmpty()) {
      words.addAll(List.of("--features", String.join(",", features)));
    }
    if (!excluded.isEmpty()) {
      words.addAll(List.of("--exclude", String.join(",", excluded)));
    }
    words.addAll(encoding.words());
    return words;
  }

  /** Takes f64 where no type was named and memory allows. */
  void preferF64() {
    prefersF64 = isAutomatic();
  }

  private boolean isAutomatic() {
    return dtype.equalsIgnoreCase("auto");
  }

  private static boolean holdsF64(Table table) {
    long memory =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    return (double) table.rows() * table.columns().size() * Double.BYTES <= memory / 4.0;
  }

  DType dtype() {
    return switch (dtype.toLowerCase(Locale.ROOT)) {
      case "auto" -> prefersF64 ? DType.F64 : DType.F32;
      case "f32" -> DType.F32;
      case "f64" -> DType.F64;
      default -> throw new UsageException("--dtype must be f32, f64 or auto, found " + dtype);
    };
  }
}
