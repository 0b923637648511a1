package dev.panagrad.cli;

import com.sun.management.OperatingSystemMXBean;
import dev.panagrad.data.CsvDialect;
import dev.panagrad.data.FileFormat;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableOptions;
import dev.panagrad.train.TrainingFile;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where the rows come from, and how their files are written. */
final class DataSource {
  // The data set in the jar, so that the program can be tried without a file.
  private static final String SAMPLE = "sample:diabetes";
  private static final String STANDARD_INPUT = "-";
  // What standard input may take of the machine's memory.
  private static final int MEMORY_PARTS = 4;

  @Parameters(
      index = "0..*",
      arity = "1..*",
      paramLabel = "DATA",
      description =
          "Files of rows, folders of them, or quoted patterns, which have the same columns; each as its bytes and its ending say: CSV; .svm, .libsvm, .svmlight; both also compressed as .gz, .bz2, .zst; .parquet; .arrow, .arrows, .feather, .ipc; .npy, .npz; .safetensors; - for standard input; or "
              + SAMPLE
              + " for the bundled diabetes data.")
  private List<String> data = new ArrayList<>();

  @Option(
      names = "--no-header",
      description = "The first record of a CSV file is data; select columns by number.")
  boolean noHeader;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description =
          "csv, libsvm, parquet, arrow, npy, npz or safetensors, where a file does not show it.")
  private String format;

  @Option(
      names = "--delimiter",
      paramLabel = "CHAR",
      description =
          "Between the fields of CSV: a character, tab or space. Default: comma, semicolon, tab or |, as the first records show.")
  private String delimiter;

  @Option(
      names = "--decimal",
      paramLabel = ".|,",
      description = "The decimal sign of CSV. Default: as the first records show.")
  private String decimal;

  @Option(
      names = "--comment",
      paramLabel = "CHAR",
      description = "Lines of CSV that begin with this character are skipped.")
  private String comment;

  @Option(
      names = "--encoding",
      paramLabel = "NAME",
      description = "The character set of CSV, such as ISO-8859-1; default UTF-8.")
  private String encoding;

  @Option(
      names = "--na",
      paramLabel = "TEXT[,TEXT]",
      description =
          "Cells of CSV that are missing values, besides empty ones and nan; default: NA, N/A, <NA>, #N/A, n/a, NULL, null, None and ?.")
  private String missing;

  @Option(
      names = "--dates",
      paramLabel = "days|seconds",
      description =
          "Dates and timestamps are numbers, counted from 1970-01-01 in this unit. Default: only dates of Parquet and Arrow are, in days.")
  private String dates;

  private final Set<String> said = new HashSet<>();

  Table open() {
    Table table = source();
    if (!noHeader) {
      return table;
    }
    try {
      return table.withoutHeader();
    } catch (UnsupportedOperationException e) {
      table.close();
      throw new UsageException("--no-header is for CSV files, and " + data.getFirst() + " is none");
    }
  }

  /** Takes the last argument, which is no data. */
  String takeLast(String what) {
    if (data.size() < 2) {
      throw new UsageException("Missing required parameter: '" + what + "'");
    }
    return data.removeLast();
  }

  /** The data and the options given, to be typed again. */
  List<String> words() {
    List<String> words = new ArrayList<>(data);
    if (noHeader) {
      words.add("--no-header");
    }
    String[] names = {"format", "delimiter", "decimal", "comment", "encoding", "na", "dates"};
    String[] given = {format, delimiter, decimal, comment, encoding, missing, dates};
    for (int i = 0; i < names.length; i++) {
      if (given[i] != null) {
        words.addAll(List.of("--" + names[i], given[i]));
      }
    }
    return words;
  }

  /** The training file that the data are, or null. */
  Path trainingFile() {
    try {
      Path file = data.size() > 1 || isNoFile(data.getFirst()) ? null : Path.of(data.getFirst());
      return file != null && TrainingFile.isTrainingFile(file) ? file : null;
    } catch (InvalidPathException e) {
      return null; // what cannot be opened is reported when it is read
    }
  }

  /** True if that file is among the data: it would be overwritten. */
  boolean isFile(Path file) {
    try {
      for (String name : data) {
        if (!isNoFile(name) && Files.exists(file) && Files.isSameFile(file, Path.of(name))) {
          return true;
        }
      }
      return false;
    } catch (IOException | InvalidPathException e) {
      return false; // what cannot be opened is reported when it is read
    }
  }

  private static boolean isNoFile(String name) {
    return name.startsWith("sample:") || name.equals(STANDARD_INPUT);
  }

  private Table source() {
    TableOptions options = options();
    String first = data.getFirst();
    for (String name : data) {
      if (data.size() > 1 && isNoFile(name)) {
        throw new UsageException("'" + name + "' is read alone, and not with other data");
      }
    }
    if (first.equals(SAMPLE)) {
      return TableFile.csv(SAMPLE, () -> DataSource.class.getResourceAsStream("diabetes.csv"));
    }
    if (first.startsWith("sample:")) {
      throw new UsageException("there is no '" + first + "'; there is " + SAMPLE);
    }
    if (first.equals(STANDARD_INPUT)) {
      long memory =
          ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
      return TableFile.read("standard input", System.in, memory / MEMORY_PARTS, options);
    }
    return TableFile.open(data.stream().map(DataSource::path).toList(), options);
  }

  private static Path path(String name) {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("'" + name + "' is not a path: " + e.getMessage(), e);
    }
  }

  private TableOptions options() {
    FileFormat asked = format == null ? null : FileFormat.named(format.toLowerCase(Locale.ROOT));
    if (format != null && asked == null) {
      throw new UsageException(
          "--format must be one of %s, found %s"
              .formatted(Arrays.toString(FileFormat.values()), format));
    }
    TableOptions.Dates unit = null;
    if (dates != null) {
      unit =
          Arrays.stream(TableOptions.Dates.values())
              .filter(one -> one.name().equalsIgnoreCase(dates))
              .findFirst()
              .orElseThrow(
                  () -> new UsageException("--dates must be days or seconds, found " + dates));
    }
    return new TableOptions(asked, dialect(), unit, this::say, DataSource::flag);
  }

  private static String flag(TableOptions.Setting setting) {
    return switch (setting) {
      case NO_HEADER -> "--no-header";
      case SEPARATOR -> "--delimiter";
      case CHARSET -> "--encoding";
      case DATES -> "--dates";
    };
  }

  private CsvDialect dialect() {
    CsvDialect usual = CsvDialect.DETECTED;
    char separator =
        switch (delimiter) {
          case null -> usual.separator();
          case "tab", "\\t" -> '\t';
          case "space" -> ' ';
          default -> character("--delimiter", delimiter);
        };
    try {
      return new CsvDialect(
          separator,
          decimal == null ? usual.decimal() : character("--decimal", decimal),
          comment == null ? usual.comment() : character("--comment", comment),
          encoding == null ? StandardCharsets.UTF_8 : Charset.forName(encoding),
          missing == null ? usual.missing() : new HashSet<>(List.of(missing.split(",", -1))));
    } catch (UnsupportedCharsetException | IllegalCharsetNameException e) {
      throw new UsageException("--encoding: there is no character set '" + encoding + "' here");
    } catch (IllegalArgumentException e) {
      throw new UsageException("--delimiter, --decimal, --comment: " + e.getMessage());
    }
  }

  private static char character(String option, String given) {
    if (given.length() != 1) {
      throw new UsageException(option + " must be one character, found '" + given + "'");
    }
    return given.charAt(0);
  }

  private void say(String note) {
    if (said.add(note)) {
      System.err.println("panagrad: " + note);
    }
  }
}
