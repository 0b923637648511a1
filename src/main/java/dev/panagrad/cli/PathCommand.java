package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.MissingCells;
import dev.panagrad.path.PathPenalty;
import dev.panagrad.path.PathResult;
import dev.panagrad.path.RegularizationPath;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code panagrad path}: the models for many strengths of a penalty, and which predicts best. */
@Command(
    name = "path",
    description =
        "Models of least squares for many strengths of a penalty, and the one that predicts best by cross-validation.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class PathCommand implements Callable<Integer> {
  private static final int LINES = 20; // values of the table on the screen

  @Mixin private DataOptions data;

  @Option(
      names = "--penalty",
      required = true,
      paramLabel = "l1|l2|elastic",
      description =
          "What a value v is the strength of: --l1 v, --l2 v, or both, --l1 S*v --l2 (1-S)*v/2, of 'train'. As there, features are standardized and the target is not. v/2 is lambda of glmnet and alpha of scikit-learn's Lasso and ElasticNet; alpha of its Ridge is v times the number of rows.")
  private PathPenalty penalty;

  @Option(
      names = "--share",
      paramLabel = "S",
      description = "Share of L1 in an elastic net, above 0 and at most 1; default 0.5.")
  private Double share;

  @Option(
      names = "--values",
      defaultValue = "100",
      paramLabel = "N",
      description = "How many values, 2 to 1000; default ${DEFAULT-VALUE}.")
  private int values;

  @Option(
      names = "--ratio",
      paramLabel = "R",
      description =
          "The smallest value as a part of the largest, from 1e-10 to below 1; default 1e-3, for l2 1e-6. The largest makes all coefficients zero; for l2 it is 100 times the largest eigenvalue of the correlations.")
  private Double ratio;

  @Option(
      names = "--folds",
      defaultValue = "5",
      paramLabel = "K",
      description =
          "Parts of the rows that are left out in turn, 2 to 100; default ${DEFAULT-VALUE}.")
  private int folds;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of the shuffle that deals rows to folds; default 0.")
  private Long seed;

  @Option(names = "--no-shuffle", description = "Row i is in fold i modulo K.")
  private boolean noShuffle;

  @Option(names = "--no-intercept", description = "Models through the origin.")
  private boolean noIntercept;

  @Mixin private BackendChoice backendChoice;

  @Option(
      names = "--curve",
      paramLabel = "FILE.csv",
      description =
          "Write one row per value: errors, coefficients that are not zero, all coefficients.")
  private Path curve;

  @Option(
      names = "--json",
      description = "One JSON object on standard output, the rest on standard error.")
  private boolean json;

  @Option(names = "--quiet", description = "No backend table.")
  private boolean quiet;

  @Override
  public Integer call() throws IOException {
    RegularizationPath path = path();
    data.requireTarget();
    data.requireTable();
    if (curve != null) {
      OutputFile.requirePlace("--curve", curve, data);
    }
    PathResult result;
    List<String> coarse;
    try (Backend backend = backendChoice.open();
        TensorArena arena = TensorArena.open("data")) {
      boolean isMedian = data.encoding.missing() == MissingCells.MEDIAN;
      Dataset dataset = data.read(arena, encoded -> path.filled(encoded.filledCells(), isMedian));
      if (dataset.targets().size() != 1) {
        throw new UsageException(
            "path is for one target, found --target with %d; run it once for each"
                .formatted(dataset.targets().size()));
      }
      if (!quiet) {
        PrintStream out = json ? System.err : System.out;
        out.println(Backends.table(backend));
        out.printf(
            "%ndata: %,d rows, %,d features, %s%n",
            dataset.rows(), dataset.features().size(), dataset.x().dtype());
      }
      coarse = Warnings.print(dataset, null);
      result = path.fit(dataset, backend);
    }
    Warnings.print(result, coarse);
    if (json) {
      JsonOutput.print(fields(result));
    } else {
      print(result);
    }
    // Last: a disk that is full does not take the result with it.
    if (curve != null) {
      OutputFile.writeCsv(curve, rows(result));
    }
    return 0;
  }

  private RegularizationPath path() {
    if (noShuffle && seed != null) {
      throw new UsageException("--no-shuffle has no --seed; leave out one of them");
    }
    try {
      RegularizationPath path = RegularizationPath.of(penalty).values(values).folds(folds);
      if (share != null) {
        path.share(share);
      }
      if (ratio != null) {
        path.ratio(ratio);
      }
      if (noIntercept) {
        path.withoutIntercept();
      }
      return noShuffle ? path.inOrder() : path.seed(seed == null ? 0 : seed);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--" + e.getMessage());
    }
  }

  private void print(PathResult result) {
    PrintStream out = System.out;
    out.printf("%n%d values, %d folds, %d passes over the rows%n", values, folds, result.passes());
    out.printf(
        "%14s %14s %14s %12s %8s%n", "value", "training MSE", "CV MSE", "std. error", "nonzero");
    for (int i : shown(result)) {
      out.printf(
          "%14.6g %14.8g %14.8g %12.4g %,8d%s%n",
          result.values()[i],
          result.trainingMse()[i],
          result.validationMse()[i],
          result.standardError()[i],
          result.nonzero(i),
          mark(result, i));
    }
    int chosen = result.chosenIndex();
    out.printf("%nchosen value  %s%n", result.values()[chosen]);
    if (chosen == 0 || chosen == values - 1) {
      out.printf(
          "the least CV MSE is at the %s end of the values%s%n",
          chosen == 0 ? "strong" : "weak", chosen == 0 ? "" : "; consider a smaller --ratio");
    }
    out.printf("the same model  %s%n", command(result));
    TrainReport.printCoefficients(out, result.model(chosen), 0, !noIntercept);
  }

  private static String mark(PathResult result, int i) {
    if (i == result.chosenIndex()) {
      return "  <- least CV MSE";
    }
    return i == result.oneStandardErrorIndex() ? "  <- within one standard error" : "";
  }

  private static int[] shown(PathResult result) {
    int last = result.values().length - 1;
    int lines = Math.min(LINES, last + 1);
    return IntStream.concat(
            IntStream.range(0, lines).map(l -> Math.round((float) l * last / (lines - 1))),
            IntStream.of(result.chosenIndex(), result.oneStandardErrorIndex()))
        .sorted()
        .distinct()
        .toArray();
  }

  private Map<String, Object> fields(PathResult result) {
    int chosen = result.chosenIndex();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("penalty", result.kind().name().toLowerCase(Locale.ROOT));
    fields.put("share", result.share());
    fields.put("folds", folds);
    fields.put("passes", result.passes());
    fields.put("unconverged", result.unconverged());
    fields.put("chosenIndex", chosen);
    fields.put("chosenValue", result.values()[chosen]);
    fields.put("chosenL1", result.penalty(chosen).l1());
    fields.put("chosenL2", result.penalty(chosen).l2());
    fields.put("oneStandardErrorIndex", result.oneStandardErrorIndex());
    fields.put("oneStandardErrorValue", result.values()[result.oneStandardErrorIndex()]);
    fields.put("command", command(result));
    fields.put("target", result.target());
    fields.put("features", result.features());
    fields.put("values", result.values());
    fields.put("trainingMse", result.trainingMse());
    fields.put("validationMse", result.validationMse());
    fields.put("standardError", result.standardError());
    fields.put("intercepts", result.intercepts());
    fields.put("coefficients", result.coefficients());
    return fields;
  }

  private static List<List<String>> rows(PathResult result) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        Stream.concat(
                Stream.of(
                    "value,training_mse,cv_mse,cv_standard_error,nonzero,(intercept)"
                        .split(",", -1)),
                result.features().stream())
            .toList());
    for (int i = 0; i < result.values().length; i++) {
      List<String> row = new ArrayList<>();
      row.add(Double.toString(result.values()[i]));
      row.add(Double.toString(result.trainingMse()[i]));
      row.add(Double.toString(result.validationMse()[i]));
      row.add(Double.toString(result.standardError()[i]));
      row.add(Integer.toString(result.nonzero(i)));
      row.add(Double.toString(result.intercepts()[i]));
      for (double coefficient : result.coefficients()[i]) {
        row.add(Double.toString(coefficient));
      }
      rows.add(row);
    }
    return rows;
  }

  /** What to type for the chosen model. In F64, as products of columns are in F64 here. */
  private String command(PathResult result) {
    Penalty chosen = result.penalty(result.chosenIndex());
    List<String> words = new ArrayList<>(List.of("train"));
    words.addAll(data.words());
    words.addAll(List.of("--dtype", "f64", "--optimizer", "fista"));
    words.addAll(List.of("--l1", Double.toString(chosen.l1())));
    words.addAll(List.of("--l2", Double.toString(chosen.l2())));
    words.addAll(List.of("--epochs", "100000"));
    if (noIntercept) {
      words.add("--no-intercept");
    }
    return SuggestedCommand.line(words);
  }
}
