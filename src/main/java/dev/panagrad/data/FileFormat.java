package dev.panagrad.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Files of these formats are read as tables; each format has the endings of their names. */
public enum FileFormat {
  CSV("csv tsv"),
  LIBSVM("libsvm svm svmlight"),
  PARQUET("parquet pq"),
  ARROW("arrow arrows feather ipc"),
  NPY("npy"),
  NPZ("npz"),
  SAFETENSORS("safetensors");

  private final String endings;

  FileFormat(String endings) {
    this.endings = endings;
  }

  /** Returns the format that a name's ending says, before a compression's; null for none. */
  public static FileFormat ofEnding(Path file) {
    String name = file.getFileName() == null ? "" : file.getFileName().toString();
    String[] parts =
        name.toLowerCase(Locale.ROOT).replaceFirst("\\.(gz|bz2|zst|zstd)$", "").split("\\.", -1);
    return parts.length < 2 ? null : named(parts[parts.length - 1]);
  }

  /** Returns the format with that ending, the first of which is its name; null for none. */
  public static FileFormat named(String ending) {
    return Arrays.stream(values())
        .filter(format -> format.endings().contains(ending))
        .findFirst()
        .orElse(null);
  }

  private List<String> endings() {
    return List.of(endings.split(" ", -1));
  }

  /** True if it is read from front to back, wherever its bytes come from. */
  public boolean isText() {
    return this == CSV || this == LIBSVM;
  }

  /** Returns the name by which it is asked for: the first of its endings. */
  @Override
  public String toString() {
    return endings().getFirst();
  }
}
