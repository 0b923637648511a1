package dev.panagrad.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import dev.panagrad.data.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** Files that commands write. */
final class OutputFile {
  private OutputFile() {}

  /** Refuses, before anything is computed, a place where a file cannot be written. */
  static void requirePlace(String flag, Path file, DataOptions data) {
    Path folder = file.toAbsolutePath().getParent();
    String fault = null;
    if (data.source.isFile(file)) {
      fault = " is the data file";
    } else if (Files.isDirectory(file)) {
      fault = " is a directory; name a file";
    } else if (folder == null || !Files.isDirectory(folder)) {
      fault = ": there is no directory " + folder;
    }
    if (fault != null) {
      throw new UsageException(flag + " " + file + fault);
    }
  }

  static boolean isSame(Path a, Path b) {
    return a.toAbsolutePath().normalize().equals(b.toAbsolutePath().normalize());
  }

  static void writeCsv(Path file, List<List<String>> rows) {
    write(
        file,
        () -> {
          try (CsvWriter csv = CsvWriter.builder().build(file)) {
            rows.forEach(csv::writeRecord);
          }
        });
  }

  @FunctionalInterface
  interface Writing {
    void write() throws IOException;
  }

  /** Writes to a file; what fails is told with its name. */
  static void write(Path file, Writing writing) {
    try {
      writing.write();
    } catch (IOException e) {
      throw cannotWrite(file, e);
    } catch (UncheckedIOException e) {
      throw cannotWrite(file, e.getCause());
    }
  }

  static DataException cannotWrite(Path file, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException _ -> "its folder does not exist";
          case AccessDeniedException _ -> "permission denied";
          default -> e.getMessage();
        };
    return new DataException("cannot write '" + file + "': " + reason, e);
  }
}
