package dev.panagrad.cli;

import dev.panagrad.data.DataException;
import dev.panagrad.data.EncodedTable;
import dev.panagrad.data.MissingCells;
import dev.panagrad.data.TableEncoder;
import dev.panagrad.data.TableReader;
import dev.panagrad.data.UnusableColumnsException;
import dev.panagrad.encoding.CategoryColumn;
import dev.panagrad.encoding.ClassLabels;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.safetensors.Excerpt;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import picocli.CommandLine.Option;

/** What is done about texts, missing cells and classes. */
final class EncodingOptions {
  @Option(
      names = "--categorical",
      split = ",",
      paramLabel = "auto|NAME",
      description =
          "Columns of categories, a feature for each level; auto: those with a cell that is no number.")
  private List<String> categorical = new ArrayList<>();

  @Option(
      names = "--max-levels",
      paramLabel = "N",
      defaultValue = "100",
      description = "Levels of a category at most; default ${DEFAULT-VALUE}.")
  private int maximumLevels;

  @Option(
      names = "--baseline",
      paramLabel = "first|none",
      defaultValue = "first",
      description =
          "The level without a feature, which others are compared to; default ${DEFAULT-VALUE} in alphabetical order.")
  private Baseline baseline;

  @Option(
      names = "--unseen",
      paramLabel = "error|zeros",
      defaultValue = "error",
      description = "Texts that no training row has; default ${DEFAULT-VALUE}.")
  private Unseen unseen;

  @Option(
      names = "--missing",
      paramLabel = "error|drop|mean|median|indicator",
      defaultValue = "error",
      description =
          "Features without a value: refused; their rows left out; the mean or median of the training rows; or the mean, and a feature that says so. Rows without target, weight or offset are left out by all but error. Default ${DEFAULT-VALUE}.")
  private MissingCells missing;

  @Option(
      names = "--positive",
      paramLabel = "LABEL",
      description =
          "The value of the target that is class 1, for targets of two values; of two numbers the larger, of texts true or yes, if not given.")
  private String positive;

  /** Which level has no feature. */
  enum Baseline {
    FIRST,
    NONE
  }

  /** What becomes of texts that no training row has. */
  enum Unseen {
    ERROR,
    ZEROS
  }

  /** What reads the data says of them. */
  record Use(String weights, boolean hasClasses, double heldOut, long seed) {
    static final Use PLAIN = new Use(null, false, 0, 0);
  }

  private boolean isAsked() {
    return !categorical.isEmpty() || missing != MissingCells.ERROR || positive != null;
  }

  /** The options that were given, to be typed again. */
  List<String> words() {
    List<String> words = new ArrayList<>();
    if (!categorical.isEmpty()) {
      words.addAll(List.of("--categorical", String.join(",", categorical)));
      words.addAll(List.of("--max-levels", Integer.toString(maximumLevels)));
      words.addAll(List.of("--baseline", baseline.name().toLowerCase(Locale.ROOT)));
      words.addAll(List.of("--unseen", unseen.name().toLowerCase(Locale.ROOT)));
    }
    if (missing != MissingCells.ERROR) {
      words.addAll(List.of("--missing", missing.name().toLowerCase(Locale.ROOT)));
    }
    if (positive != null) {
      words.addAll(List.of("--positive", positive));
    }
    return words;
  }

  MissingCells missing() {
    return missing;
  }

  /** The reader, or one of the encoded table if anything is to be encoded, which is looked at. */
  TableReader encoded(TableReader reader, Use use, int targets, Consumer<EncodedTable> look) {
    return isAsked() || use.hasClasses ? encode(reader, use, targets, look) : reader;
  }

  /** All that keeps columns from being used, of which the first was seen; else that. */
  DataException all(TableReader reader, Use use, DataException first) {
    try {
      encoder(reader, use).requireUsable();
      return first;
    } catch (UnusableColumnsException e) {
      e.initCause(first);
      return e;
    }
  }

  private TableReader encode(
      TableReader reader, Use use, int targets, Consumer<EncodedTable> look) {
    List<String> names = reader.targetNames();
    EncodedTable table = encoder(reader, use).fit();
    print(table);
    look.accept(table);
    return TableReader.of(table)
        .targets(names.subList(0, targets))
        .further(names.subList(targets, names.size()));
  }

  private TableEncoder encoder(TableReader reader, Use use) {
    TableEncoder encoder =
        TableEncoder.of(reader)
            .missing(missing)
            .weights(use.weights)
            .heldOut(use.heldOut, use.seed);
    if (categorical.contains("auto")) {
      encoder.automaticCategories();
    }
    encoder.categorical(categorical.stream().filter(name -> !name.equals("auto")).toList());
    try {
      encoder.maximumLevels(maximumLevels);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--max-levels: " + e.getMessage());
    }
    if (baseline == Baseline.NONE) {
      encoder.withoutBaseline();
    }
    if (unseen == Unseen.ZEROS) {
      encoder.acceptUnseen();
    }
    if (positive != null) {
      encoder.positive(positive);
    } else if (use.hasClasses) {
      encoder.classes();
    }
    return encoder;
  }

  private static void print(EncodedTable table) {
    TableEncoding encoding = table.encoding();
    List<String> said = new ArrayList<>();
    long categories = encoding.columns().stream().filter(c -> c instanceof CategoryColumn).count();
    if (categories > 0) {
      said.add(
          "%,d columns of categories give %,d of %,d features"
              .formatted(
                  categories,
                  encoding.columns().stream()
                      .filter(c -> c instanceof CategoryColumn)
                      .mapToLong(c -> c.features().size())
                      .sum(),
                  encoding.features().size()));
    }
    if (table.dropped() > 0) {
      said.add(
          "%,d of %,d rows are left out: a value is missing, or their weight is 0"
              .formatted(table.dropped(), table.dropped() + table.rows()));
    }
    if (table.filled() > 0) {
      said.add("%,d missing cells are filled in".formatted(table.filled()));
    }
    for (int j = 0; j < encoding.targets(); j++) {
      ClassLabels classes = encoding.classes(j);
      if (classes != null) {
        said.add("'%s' is class 1, '%s' class 0".formatted(classes.positive(), classes.negative()));
      }
    }
    if (!said.isEmpty()) {
      System.err.println("panagrad: " + Excerpt.escaped(String.join("; ", said)));
    }
  }
}
