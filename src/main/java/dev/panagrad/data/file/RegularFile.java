package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Opens files that can be read more than once, and says why others cannot. */
public final class RegularFile {
  private RegularFile() {}

  /** Opens a regular file for reading; messages name the kind that is wanted, with its article. */
  public static FileChannel open(Path file, String kind) {
    require(file, kind);
    try {
      return FileChannel.open(file, StandardOpenOption.READ);
    } catch (IOException e) {
      throw cannotRead(file.toString(), e);
    }
  }

  /** Requires that a file, if it is there, is a regular one: opening a pipe waits for a writer. */
  public static void require(Path file, String kind) {
    if (Files.isDirectory(file)) {
      throw new DataException("'%s' is a directory; give %s".formatted(file, kind));
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new DataException(
          "'%s' is not a regular file, and data is read twice; write it to a file first, or pipe it into the program and name it -"
              .formatted(file));
    }
  }

  public static void close(Closeable file) {
    try {
      file.close();
    } catch (IOException e) {
      throw new DataException("cannot close a file: " + e.getMessage(), e);
    }
  }

  public static DataException cannotRead(String name, IOException e) {
    String why =
        switch (e) {
          case NoSuchFileException _ ->
              name.startsWith("/dev/fd/")
                  ? "it is a pipe that this process does not have, and data is read twice; pipe it into the program and name it -"
                  : "there is no such file";
          case AccessDeniedException _ -> "permission denied";
          case ClosedChannelException _ -> "it was closed";
          case EOFException eof when eof.getMessage() == null -> "it ends early";
          default -> e.getMessage() == null ? "it is damaged" : e.getMessage();
        };
    return new DataException("cannot read " + name + ": " + why, e);
  }
}
